import assert from 'node:assert/strict';
import { neighborsOf, upsertTo } from '../records.js';
import { type Context, MODEL, record, records, ROOT, storedAs } from './context.js';

export function testOpening({ open, openNew, newName }: Context): void {
  describe('an empty store', () => {
    it('says what it is bound to, and finds nothing', async () => {
      const store = await openNew();
      const { model, images, captions } = await store.info();
      assert.deepEqual({ model, images, captions }, { model: MODEL, images: 0, captions: 0 });
      for (const target of ['images', 'captions'] as const) {
        assert.deepEqual(await neighborsOf(store, { target, embedding: record(1).embedding, k: 5 }), []);
      }
      assert.deepEqual(await upsertTo(store, { path: ROOT, images: [] }), []);
      await store.flush();
    });
  });

  describe('closing', () => {
    it('finishes what was asked before, and refuses what is asked after', async () => {
      const name = newName();
      const store = await open(name);
      const { sourceId } = await store.addSource({ path: ROOT, root: ROOT, format: 'folder', options: {} });
      const upserted = store.upsert({ sourceId, images: records(0, 20) });
      const flushed = store.flush();
      const found = neighborsOf(store, { target: 'captions', embedding: record(1).embedding, k: 99 });
      const closed = store.close();
      await assert.rejects(store.upsert({ sourceId, images: [record(30)] }), { code: 'INVALID_ARGUMENT' });
      assert.equal((await upserted).length, 20);
      assert.equal((await found).length, 40);
      await Promise.all([flushed, closed]);
      assert.equal((await (await open(name)).info()).images, 20);
    });
  });

  describe('opening again', () => {
    it('finds everything, flushed or not', async () => {
      const name = newName();
      const first = await open(name);
      const ids = await upsertTo(first, { path: ROOT, images: records(0, 5) });
      await first.flush();
      ids.push(...(await upsertTo(first, { path: ROOT, images: records(5, 8) })));
      await first.close();
      const second = await open(name);
      assert.deepEqual(
        await second.getImages(ids),
        ids.map((id, i) => storedAs(id, record(i))),
      );
      assert.equal((await neighborsOf(second, { target: 'images', embedding: record(1).embedding, k: 99 })).length, 8);
      assert.deepEqual(await second.getModelInputs([ids[6]]), [record(6).modelInput]);
      const [more] = await upsertTo(second, { path: ROOT, images: [record(50)] });
      assert.ok(more > Math.max(...ids));
    });
  });

  it('answers calls made all at once', async () => {
    const store = await openNew();
    const batches = [0, 1, 2, 3].map((i) => upsertTo(store, { path: ROOT, images: records(10 * i, 10 * i + 10) }));
    const searches = records(0, 20).map(({ embedding }) => neighborsOf(store, { target: 'images', embedding, k: 5 }));
    const ids = (await Promise.all(batches)).flat();
    assert.equal(new Set(ids).size, 40);
    for (const found of await Promise.all(searches)) assert.ok(found.every(({ id }) => ids.includes(id)));
    assert.equal((await store.info()).images, 40);
  });
}
