import assert from 'node:assert/strict';
import { exactNearest, upsertTo, type WholeRecord } from '../records.js';
import { type Context, record, ROOT } from './context.js';

/** An image of one caption. */
function captioned(seed: number, text: string, changes: Partial<WholeRecord> = {}): WholeRecord {
  return record(seed, { captions: [{ text, embedding: record(5000 + seed).embedding }], ...changes });
}

export function testWords({ openNew }: Context): void {
  describe('words of captions', () => {
    it('finds images by them, best first, with the cosine of the image', async () => {
      const store = await openNew();
      const texts = ['a dog on the grass', 'a cat', 'a zebra and a dog', 'a horse'];
      const ids = await upsertTo(store, { path: ROOT, images: texts.map((text, i) => captioned(i, text)) });
      const { embedding } = record(99);
      const found = await store.captionMatches({ text: 'Dog with ZEBRA', embedding, k: 10 });
      assert.deepEqual(
        [found.neighbors.map(({ id }) => id), found.commonWords, found.skipped],
        [[ids[2], ids[0]], [], null],
      );
      const cosines = exactNearest(
        ids.map((id, i): [number, Float32Array] => [id, record(i).embedding]),
        embedding,
        4,
      );
      for (const { id, similarity } of found.neighbors) {
        assert.ok(Math.abs(similarity - cosines.find((cosine) => cosine.id === id)!.similarity) < 1e-6);
      }
      const one = await store.captionMatches({ text: 'dog zebra', embedding, k: 1 });
      assert.deepEqual(
        one.neighbors.map(({ id }) => id),
        [ids[2]],
      );
    });

    it('keeps to a filter', async () => {
      const store = await openNew();
      const images = Array.from({ length: 60 }, (_, i) =>
        captioned(i, i % 2 ? `dog ${i}` : `cat ${i}`, { attributes: { bucket: i % 3 } }),
      );
      const ids = await upsertTo(store, { path: ROOT, images });
      const query = { text: 'dog', embedding: record(1).embedding, filter: { field: 'bucket', eq: 2 } };
      const right = ids.filter((_, i) => i % 2 === 1 && i % 3 === 2);
      const all = await store.captionMatches({ ...query, k: 100 });
      assert.deepEqual(new Set(all.neighbors.map(({ id }) => id)), new Set(right));
      const some = await store.captionMatches({ ...query, k: 4 });
      assert.deepEqual(some.neighbors, all.neighbors.slice(0, 4));
    });

    it('says why it found nothing in a text without words', async () => {
      const store = await openNew();
      await upsertTo(store, { path: ROOT, images: [record(1)] });
      const { neighbors, skipped } = await store.captionMatches({ text: '"*"', embedding: record(1).embedding, k: 5 });
      assert.deepEqual(neighbors, []);
      assert.ok(skipped);
    });

    it('refuses a query that no embedding could be compared with', async () => {
      const store = await openNew();
      const query = { text: 'dog', embedding: record(1).embedding, k: 5 };
      for (const change of [{ text: 7 as never }, { k: 0 }, { k: 1001 }, { embedding: query.embedding.subarray(1) }]) {
        await assert.rejects(store.captionMatches({ ...query, ...change }), { code: 'INVALID_ARGUMENT' });
      }
    });
  });
}
