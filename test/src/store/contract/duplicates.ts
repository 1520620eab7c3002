import assert from 'node:assert/strict';
import type { NearDuplicate, Store } from '../../../../src/store/store.js';
import { record, sourceOf, type Context } from './context.js';

/** A hash, with these of its 64 bits otherwise. */
const hash = (...bits: number[]) => {
  const words = Uint16Array.of(0x1234, 0x5678, 0x9abc, 0xdef0);
  for (const bit of bits) words[bit >> 4] ^= 1 << (bit & 15);
  return words;
};
const hashed = (seed: number, perceptualHash: Uint16Array | null) => record(seed, { perceptualHash });

async function allPairs(store: Store, limit = 1000): Promise<NearDuplicate[]> {
  const pairs: NearDuplicate[] = [];
  for (;;) {
    const page = await store.nearDuplicates({ after: pairs.at(-1) ?? null, limit });
    if (page.length === 0) return pairs;
    pairs.push(...page);
  }
}

export function testDuplicates({ openNew }: Context): void {
  describe('near duplicates', () => {
    it('are none among images without hashes, or of hashes that differ in many bits', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const images = [null, null, hash(), hash(1, 2, 3, 4, 17, 33, 49, 50)].map((h, i) => hashed(i, h));
      await store.upsert({ sourceId, images });
      assert.deepEqual(await allPairs(store), []);
    });

    it('are linked in a batch and across batches and sources, with their distance, and stay two images', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const other = await sourceOf(store, '/elsewhere');
      const [a, b] = await store.upsert({ sourceId, images: [hashed(1, hash()), hashed(2, hash(63))] });
      const [c] = await store.upsert({ sourceId: other, images: [hashed(3, hash())] });
      assert.deepEqual(await allPairs(store), [
        { imageId: a, otherId: b, distance: 1 },
        { imageId: a, otherId: c, distance: 0 },
        { imageId: b, otherId: c, distance: 1 },
      ]);
      assert.equal((await store.statistics()).nearDuplicates, 3);
      assert.equal(await store.count(), 3);
    });

    it('are found wherever the bits are that differ', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      await store.upsert({ sourceId, images: [hashed(0, hash())] });
      const bits = [
        [0],
        [15],
        [16],
        [47],
        [63],
        [0, 16],
        [3, 63],
        [30, 31],
        [0, 16, 32],
        [0, 16, 48],
        [0, 32, 48],
        [16, 32, 48],
        [1, 2, 3],
        [60, 5, 40],
      ];
      await store.upsert({ sourceId, images: bits.map((which, i) => hashed(i + 1, hash(...which))) });
      const found = (await allPairs(store)).filter(({ imageId }) => imageId === 1);
      assert.deepEqual(
        found.map(({ distance }) => distance),
        bits.map(({ length }) => length),
      );
    });

    it('go with an image, and with its content', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const ids = await store.upsert({ sourceId, images: [1, 2, 3, 4].map((seed) => hashed(seed, hash(seed))) });
      assert.equal((await allPairs(store)).length, 6);
      await store.remove([ids[0]]);
      assert.equal((await allPairs(store)).length, 3);
      await store.removeFiles({ sourceId, files: [record(2).file] });
      assert.deepEqual(await allPairs(store), [{ imageId: ids[2], otherId: ids[3], distance: 2 }]);
      const changed = record(9, { file: record(4).file, perceptualHash: hash(10, 20, 30, 40) });
      assert.deepEqual(await store.upsert({ sourceId, images: [changed] }), [ids[3]]);
      assert.deepEqual(await allPairs(store), []);
      await store.upsert({ sourceId, images: [hashed(5, hash(10, 20, 30))] });
      const pairs = await allPairs(store);
      assert.deepEqual(
        pairs.map(({ imageId, distance }) => [imageId, distance]),
        [[ids[3], 1]],
      );
      await store.upsert({ sourceId, images: [record(10, { file: record(4).file, perceptualHash: null })] });
      assert.deepEqual(await allPairs(store), []);
    });

    it('are linked once an image gets its hash, and not again when it comes again', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      await store.upsert({ sourceId, images: [hashed(1, hash()), hashed(2, null)] });
      assert.deepEqual(await allPairs(store), []);
      for (let i = 0; i < 2; i++) {
        await store.upsert({ sourceId, images: [{ ...hashed(2, hash(5)), embedding: null, modelInput: null }] });
        assert.equal((await allPairs(store)).length, 1);
      }
    });

    it('are paged in order, complete and without repeats', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      await store.upsert({ sourceId, images: Array.from({ length: 8 }, (_, i) => hashed(i, hash(i))) });
      const all = await allPairs(store);
      assert.equal(all.length, 28);
      assert.ok(all.every(({ imageId, otherId }) => imageId < otherId));
      const order = all.toSorted((a, b) => a.imageId - b.imageId || a.otherId - b.otherId);
      assert.deepEqual(all, order);
      assert.deepEqual(await allPairs(store, 3), all);
    });
  });
}
