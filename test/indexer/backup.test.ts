import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { backupCollection } from '../../indexer/backup.js';
import { importCollection } from '../../indexer/import.js';
import { openStore, type SqliteStore } from '../../src/store/sqlite/store.js';
import { temporaryFolder } from '../fixture.js';
import { fillUnpacked } from './unpackedpictures.js';

const MODEL = { path: '/m', hash: 'a', prefilterHash: 'b', dimension: 4, inputSize: '4/2' };

describe('backupCollection', () => {
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  const data = () => at('data');
  const picture = (i: number) => at('data', 'collections', 'x', 'imported', 'images', `${i}.jpg`);
  let store: SqliteStore;

  beforeEach(async () => {
    store = await openStore({ data: data(), name: 'x', create: MODEL, warm: false });
    await fillUnpacked(store, 5);
  });
  afterEach(async () => {
    await store.close();
    rmSync(temporary.path, { recursive: true });
    mkdirSync(temporary.path);
  });

  async function restore(from: string, name: string): Promise<string[]> {
    const notes: string[] = [];
    const { images } = await importCollection({ from, name, data: data(), onNote: (line) => notes.push(line) });
    assert.equal(images, 5);
    return notes.filter((line) => !line.includes('Its model is not at'));
  }

  it('refuses a target that is taken, and leaves it as it is', async () => {
    mkdirSync(at('empty'));
    writeFileSync(at('mine.tar'), 'mine');
    for (const target of [at('empty'), at('mine.tar')]) {
      await assert.rejects(backupCollection({ store, target }), { code: 'INVALID_ARGUMENT' });
    }
    assert.deepEqual(readdirSync(temporary.path).sort(), ['data', 'empty', 'mine.tar']);
    assert.equal(readFileSync(at('mine.tar'), 'utf8'), 'mine');
  });

  for (const name of ['backup', 'backup.tar']) {
    const collection = name.replace('.', '-');

    it(`can be imported whatever else lies beside the pictures (${name})`, async () => {
      for (const below of [path.dirname(picture(0)), path.dirname(path.dirname(picture(0)))]) {
        writeFileSync(path.join(below, '.DS_Store'), 'of the system');
        writeFileSync(path.join(below, 'two\nlines'), 'of the user');
        mkdirSync(path.join(below, 'folder'));
      }
      const { pictures, lost } = await backupCollection({ store, target: at(name) });
      assert.deepEqual([pictures, lost], [5, []]);
      assert.deepEqual(await restore(at(name), collection), []);
    });

    it(`names pictures that are gone or damaged, and has all else; an import says so too (${name})`, async () => {
      rmSync(picture(0));
      writeFileSync(picture(1), 'rotten');
      renameSync(picture(2), at('elsewhere'));
      symlinkSync(at('elsewhere'), picture(2));
      const { pictures, lost } = await backupCollection({ store, target: at(name) });
      assert.equal(pictures, 3);
      assert.deepEqual(lost, [
        { file: 'imported/images/0.jpg', reason: 'it is gone' },
        { file: 'imported/images/1.jpg', reason: 'it has changed' },
        { file: 'imported/images/2.jpg', reason: 'it is no plain file any more that a backup takes' },
      ]);
      const [note, ...more] = await restore(at(name), collection);
      assert.match(note, /^3 pictures had been lost before .*imported\/images\/0\.jpg: it is gone/);
      assert.deepEqual(more, []);
    });
  }

  it('is refused by an import where it lost more since, and takes what is put back', async () => {
    rmSync(picture(0));
    const kept = at('kept.jpg');
    copyFileSync(picture(1), kept);
    await backupCollection({ store, target: at('backup') });
    const own = (i: number) => at('backup', 'imported', 'images', `${i}.jpg`);
    rmSync(own(1));
    await assert.rejects(restore(at('backup'), 'y'), { code: 'SOURCE_INVALID', message: /1\.jpg: it is gone/ });
    writeFileSync(own(1), 'rotten');
    await assert.rejects(restore(at('backup'), 'y'), { code: 'SOURCE_INVALID', message: /1\.jpg: it has changed/ });
    copyFileSync(kept, own(1));
    assert.equal((await restore(at('backup'), 'y')).length, 1);
    writeFileSync(own(0), 'content 0');
    assert.deepEqual(await restore(at('backup'), 'z'), []);
  });
});
