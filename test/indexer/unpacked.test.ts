import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { listUnpacked, lostPictures } from '../../indexer/unpacked.js';
import { openStore, type SqliteStore } from '../../src/store/sqlite/store.js';
import { IMAGE_LIMITS } from '../../src/vilt/limits.js';
import { temporaryFolder } from '../fixture.js';
import { collect } from './collect.js';
import { fillUnpacked } from './unpackedpictures.js';

describe('unpacked pictures', () => {
  const temporary = temporaryFolder();
  const model = { path: '/m', hash: 'a', prefilterHash: 'b', dimension: 4, inputSize: '4/2' };
  let store: SqliteStore;
  let folder: string;

  beforeEach(async () => {
    store = await openStore({ data: temporary.path, name: 'x', create: model, warm: false });
    ({ folder } = await store.info());
  });
  afterEach(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });

  it('are none where there was no import', async () => {
    assert.deepEqual(await listUnpacked(folder), []);
    assert.deepEqual(await collect(lostPictures(store, folder)), []);
  });

  it('are all that can be unpacked again, and nothing else', async () => {
    await fillUnpacked(store, 2);
    const at = (...parts: string[]) => path.join(folder, 'imported', ...parts);
    writeFileSync(at('dataset.json'), '{}');
    writeFileSync(at('images', 'removed.jpg'), 'not in the catalog');
    for (const below of ['.', 'images']) {
      for (const name of ['.DS_Store', '._0.jpg', 'a\tb', 'back\\slash']) writeFileSync(at(below, name), '');
      mkdirSync(at(below, 'thumbs'));
      writeFileSync(at(below, 'thumbs', '0.jpg'), '');
      symlinkSync(at('dataset.json'), at(below, 'link.jpg'));
    }
    writeFileSync(at('images', 'film.mov'), '');
    truncateSync(at('images', 'film.mov'), IMAGE_LIMITS.bytes + 1);
    assert.deepEqual((await listUnpacked(folder)).sort(), [
      'imported/dataset.json',
      'imported/images/0.jpg',
      'imported/images/1.jpg',
      'imported/images/removed.jpg',
    ]);
    assert.deepEqual(await collect(lostPictures(store, folder)), []);
  });

  it('are lost where they are gone or no longer what was unpacked', async () => {
    await fillUnpacked(store, 3);
    rmSync(path.join(folder, 'imported', 'images', '0.jpg'));
    truncateSync(path.join(folder, 'imported', 'images', '2.jpg'), 3);
    assert.deepEqual(await collect(lostPictures(store, folder)), [
      { file: 'imported/images/0.jpg', reason: 'it is gone', readable: false },
      { file: 'imported/images/2.jpg', reason: 'it has changed', readable: true },
    ]);
  });
});
