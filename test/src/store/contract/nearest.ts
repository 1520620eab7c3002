import assert from 'node:assert/strict';
import { clusteredUnits, exactNearest, neighborsOf, randomUnit, seededRandom, upsertTo } from '../records.js';
import { type Context, DIMENSION, record, records, ROOT, sourceOf } from './context.js';

export function testNearest({ open, openNew, newName }: Context): void {
  describe('nearest', () => {
    it('finds what comparing every vector finds', async () => {
      const store = await openNew();
      const images = records(0, 60);
      const ids = await upsertTo(store, { path: ROOT, images: images.slice(0, 35) });
      await store.flush();
      ids.push(...(await upsertTo(store, { path: ROOT, images: images.slice(35) })));
      const vectors = new Map(ids.map((id, i) => [id, images[i].embedding]));
      const random = seededRandom(7);
      for (const k of [1, 2, 10, 59, 60, 61, 1000]) {
        const embedding = randomUnit(random, DIMENSION);
        const found = await neighborsOf(store, { target: 'images', embedding, k });
        const expected = exactNearest(vectors, embedding, k);
        assert.deepEqual(
          found.map(({ id }) => id),
          expected.map(({ id }) => id),
        );
        for (const [i, { similarity }] of found.entries()) {
          assert.ok(Math.abs(similarity - expected[i].similarity) < 1e-6);
        }
      }
    });

    it('ranks equal similarities by id', async () => {
      const store = await openNew();
      const embedding = record(1).embedding;
      const images = records(0, 40).map((image) => ({ ...image, embedding }));
      const ids = await upsertTo(store, { path: ROOT, images: images.slice(0, 20) });
      await store.flush();
      ids.push(...(await upsertTo(store, { path: ROOT, images: images.slice(20) })));
      for (const k of [40, 60]) {
        const found = await neighborsOf(store, { target: 'images', embedding, k });
        assert.deepEqual(
          found.map(({ id }) => id),
          ids,
        );
      }
    });

    it('reaches a recall@10 of 0.95 on clustered vectors, also after replacing and removing some and opening again', async () => {
      const name = newName();
      let store = await open(name);
      const sourceId = await sourceOf(store);
      const count = 2000;
      const vectors = clusteredUnits({ seed: 3, count, dimension: DIMENSION, clusters: 20 });
      const replaced = clusteredUnits({ seed: 4, count: 100, dimension: DIMENSION, clusters: 20 });
      const image = (i: number, embedding: Float32Array, contentHash: string) =>
        record(i, { embedding, contentHash, captions: [] });
      const images = vectors.map((vector, i) => image(i, vector, `${i}`));
      const ids = await store.upsert({ sourceId, images: images.slice(0, count / 2) });
      await store.flush();
      ids.push(...(await store.upsert({ sourceId, images: images.slice(count / 2) })));
      await store.upsert({ sourceId, images: replaced.map((vector, i) => image(i, vector, `new ${i}`)) });
      await store.flush();
      const current = new Map(ids.map((id, i) => [id, replaced[i] ?? vectors[i]]));
      const recall = async () => {
        let hits = 0;
        for (let i = 0; i < count; i += 40) {
          const query = { target: 'images', embedding: vectors[i], k: 10 } as const;
          const expected = new Set(exactNearest(current, query.embedding, 10).map(({ id }) => id));
          const found = await neighborsOf(store, query);
          assert.equal(found.length, 10);
          assert.ok(found.every(({ id }) => current.has(id)));
          hits += found.filter(({ id }) => expected.has(id)).length;
        }
        return hits / ((10 * count) / 40);
      };
      assert.ok((await recall()) >= 0.95);

      const removed = ids.filter((_, i) => i % 8 === 0);
      assert.equal(await store.remove(removed), removed.length);
      const files = images.filter((_, i) => i % 8 === 1).map(({ file }) => file);
      assert.equal(await store.removeFiles({ sourceId, files }), files.length);
      ids.forEach((id, i) => i % 8 < 2 && current.delete(id));
      assert.ok((await recall()) >= 0.95);
      await store.flush();
      assert.ok((await recall()) >= 0.95);
      await store.close();
      store = await open(name);
      assert.ok((await recall()) >= 0.95);
    });
  });
}
