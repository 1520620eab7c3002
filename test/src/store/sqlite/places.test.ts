import assert from 'node:assert/strict';
import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { Places } from '../../../../src/store/sqlite/places.js';
import { openStore } from '../../../../src/store/sqlite/store.js';
import { temporaryFolder } from '../../../fixture.js';
import { imageRecord, modelOf } from '../records.js';

describe('places', () => {
  const temporary = temporaryFolder();

  it('keeps paths elsewhere as they are, also those that only look alike', () => {
    const folder = path.join(temporary.path, 'a');
    mkdirSync(folder);
    const places = new Places(folder);
    for (const elsewhere of ['/pictures', folder, `${folder}b/x`, path.dirname(folder), path.join(folder, '..', 'b')]) {
      assert.equal(places.keep(elsewhere), elsewhere);
      assert.equal(places.find(elsewhere), path.resolve(elsewhere));
    }
  });

  it('keeps those inside relative, also where a link leads there', () => {
    const folder = path.join(temporary.path, 'real');
    mkdirSync(folder);
    const link = path.join(temporary.path, 'link');
    symlinkSync(folder, link);
    const places = new Places(link);
    for (const base of [folder, link]) assert.equal(places.keep(path.join(base, 'x', '..y')), 'x/..y');
    assert.equal(places.find('x/..y'), path.join(link, 'x', '..y'));
  });

  it('are found where a collection went', async () => {
    const data = path.join(temporary.path, 'data');
    const root = path.join(data, 'collections', 'foxes', 'imported');
    const store = await openStore({ data, name: 'foxes', create: modelOf(8) });
    const { sourceId } = await store.addSource({
      path: path.join(root, 'x.json'),
      root,
      format: 'karpathy',
      options: {},
    });
    const [imageId] = await store.upsert({ sourceId, images: [imageRecord(1, 8)] });
    assert.equal((await store.sources())[0].root, root);
    assert.equal(
      (await store.addSource({ path: path.join(root, 'x.json'), root, format: 'karpathy', options: {} })).sourceId,
      sourceId,
    );
    await store.close();

    const moved = path.join(temporary.path, 'elsewhere');
    renameSync(data, moved);
    renameSync(path.join(moved, 'collections', 'foxes'), path.join(moved, 'collections', 'bears'));
    const found = path.join(moved, 'collections', 'bears', 'imported');
    const again = await openStore({ data: moved, name: 'bears' });
    const [source] = await again.sources();
    assert.deepEqual([source.path, source.root], [path.join(found, 'x.json'), found]);
    assert.equal((await again.getImages([imageId]))[0].root, found);
    assert.equal((await again.scan({ after: 0, limit: 1 }))[0].root, found);
    await again.beginReindex({ ...modelOf(8), hash: 'c'.repeat(64) });
    assert.equal((await again.pendingImages({ after: 0, limit: 1 }))[0].root, found);
    await again.moveSource({ sourceId, path: '/pictures', root: '/pictures' });
    assert.equal((await again.getImages([imageId]))[0].root, '/pictures');
    await again.close();
  });
});
