import assert from 'node:assert/strict';
import { neighborsOf, upsertTo } from '../records.js';
import { type Context, record, records, ROOT, storedAs } from './context.js';

export function testSources({ openNew }: Context): void {
  describe('sources', () => {
    const source = (path: string, root = path) => ({ path, root, format: 'folder', options: {} });

    it('are listed with their files, and can be moved', async () => {
      const store = await openNew();
      assert.deepEqual(await store.sources(), []);
      const ids = await upsertTo(store, { path: ROOT, images: records(0, 3) });
      await upsertTo(store, { path: '/elsewhere', images: [record(9)] });
      const [{ sourceId }, { sourceId: otherId }] = await store.sources();
      await store.moveSource({ sourceId, path: '/moved/list.json', root: '/moved' });
      assert.deepEqual(await store.sources(), [
        { ...source('/moved/list.json', '/moved'), sourceId, files: 3 },
        { ...source('/elsewhere'), sourceId: otherId, files: 1 },
      ]);
      assert.deepEqual(
        await store.getImages(ids),
        ids.map((id, i) => storedAs(id, record(i), '/moved')),
      );
      assert.deepEqual(await store.upsert({ sourceId, images: records(0, 3) }), ids);
      assert.equal(
        (await neighborsOf(store, { target: 'images', embedding: record(1).embedding, k: 1 }))[0].id,
        ids[1],
      );
    });

    it('are one for each path, with what was said of it last', async () => {
      const store = await openNew();
      const given = { path: '/list.json', root: '/pictures', format: 'karpathy', options: { images: 'pictures' } };
      const { sourceId } = await store.addSource(given);
      await store.upsert({ sourceId, images: [record(1)] });
      const now = { ...given, root: '/elsewhere', options: { columns: { image: 'a"b' }, "'; --": [1, null] } };
      assert.deepEqual(await store.addSource(now), { ...now, sourceId, files: 1 });
      const other = await store.addSource({ ...given, path: '/other.json' });
      assert.notEqual(other.sourceId, sourceId);
      assert.deepEqual(await store.sources(), [{ ...now, sourceId, files: 1 }, other]);
    });

    it('do not move onto another, nor from nowhere', async () => {
      const store = await openNew();
      const [id] = await upsertTo(store, { path: ROOT, images: [record(1)] });
      await upsertTo(store, { path: '/taken', images: [record(2)] });
      const [{ sourceId }] = await store.sources();
      const moveTo = (path: string, which = sourceId) => store.moveSource({ sourceId: which, path, root: path });
      await assert.rejects(moveTo('/moved', 4711), { code: 'NOT_FOUND' });
      await assert.rejects(moveTo('/taken'), { code: 'INVALID_ARGUMENT' });
      await moveTo(ROOT);
      assert.deepEqual(await store.getImages([id]), [storedAs(id, record(1))]);
      const { sourceId: emptyId } = await store.addSource(source('/empty'));
      const torn = { file: 'torn.png', reason: 'torn', bytes: 1, modified: 1 };
      await store.quarantine({ sourceId: emptyId, files: [torn] });
      await moveTo('/empty');
      assert.equal((await store.statistics()).quarantined, 0, 'of a source that is no more');
      assert.deepEqual(await store.getImages([id]), [storedAs(id, record(1), '/empty')]);
    });
  });
}
