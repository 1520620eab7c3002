import assert from 'node:assert/strict';
import { neighborsOf, scanSource, upsertTo } from '../records.js';
import { type Context, DIMENSION, record, records, ROOT, storedAs } from './context.js';

export function testUpsert({ openNew }: Context): void {
  describe('upsert', () => {
    it('returns ids in the order given, under which the images come back', async () => {
      const store = await openNew();
      const images = [record(5), record(2, { captions: [] }), record(9)];
      const ids = await upsertTo(store, { path: ROOT, images });
      assert.equal(new Set(ids).size, 3);
      for (const id of ids) assert.ok(Number.isInteger(id) && id > 0 && id < 2 ** 32);
      const reversed = ids.toReversed();
      assert.deepEqual(
        await store.getImages(reversed),
        reversed.map((id) => storedAs(id, images[ids.indexOf(id)])),
      );
      const { images: count, captions } = await store.info();
      assert.deepEqual([count, captions], [3, 4]);
    });

    it('leaves the arrays of the caller as they are', async () => {
      const store = await openNew();
      const image = record(1);
      await upsertTo(store, { path: ROOT, images: [image] });
      await neighborsOf(store, { target: 'images', embedding: image.embedding, k: 1 });
      assert.deepEqual(image, record(1));
    });

    it('takes embeddings that are views of one buffer', async () => {
      const store = await openNew();
      const embeddings = [1, 2, 3].map((seed) => record(seed).embedding);
      const together = new Float32Array(embeddings.flatMap((embedding) => [...embedding]));
      const images = [1, 2, 3].map((seed, i) =>
        record(seed, { embedding: together.subarray(i * DIMENSION, (i + 1) * DIMENSION) }),
      );
      const ids = await upsertTo(store, { path: ROOT, images });
      for (const [i, embedding] of embeddings.entries()) {
        const [nearest] = await neighborsOf(store, { target: 'images', embedding, k: 1 });
        assert.equal(nearest.id, ids[i]);
      }
    });

    it('keeps the same file of two sources apart', async () => {
      const store = await openNew();
      const [one] = await upsertTo(store, { path: ROOT, images: [record(1)] });
      const other = record(2, { file: record(1).file });
      const [two] = await upsertTo(store, { path: '/elsewhere', images: [other] });
      assert.notEqual(one, two);
      assert.deepEqual(await scanSource(store, { path: '/elsewhere' }), [storedAs(two, other, '/elsewhere')]);
    });

    it('leaves an image that did not change, with its captions, under their ids', async () => {
      const store = await openNew();
      const ids = await upsertTo(store, { path: ROOT, images: records(0, 5) });
      const captionsOf = async () =>
        (await neighborsOf(store, { target: 'captions', embedding: record(1).embedding, k: 99 })).map(({ id }) => id);
      const before = await captionsOf();
      assert.deepEqual(await upsertTo(store, { path: ROOT, images: records(0, 5) }), ids);
      assert.deepEqual(await captionsOf(), before);
    });

    it('notes a new date, size or split without new vectors', async () => {
      const store = await openNew();
      const [id] = await upsertTo(store, { path: ROOT, images: [record(1)] });
      const touched = record(1, { modified: 42, split: 'test' });
      assert.deepEqual(await upsertTo(store, { path: ROOT, images: [touched] }), [id]);
      assert.deepEqual(await store.getImages([id]), [storedAs(id, touched)]);
    });

    it('replaces an image whose content changed: its id stays, its old vector is gone at once', async () => {
      const store = await openNew();
      const ids = await upsertTo(store, { path: ROOT, images: records(0, 5) });
      await store.flush();
      const changed = record(77, { file: record(2).file });
      assert.deepEqual(await upsertTo(store, { path: ROOT, images: [changed] }), [ids[2]]);
      const [nearest] = await neighborsOf(store, { target: 'images', embedding: changed.embedding, k: 1 });
      assert.equal(nearest.id, ids[2]);
      assert.ok(Math.abs(nearest.similarity - 1) < 1e-6);
      const all = await neighborsOf(store, { target: 'images', embedding: record(2).embedding, k: 99 });
      assert.equal(all.length, 5);
      assert.ok(all.every(({ similarity }) => similarity < 0.999));
      assert.deepEqual(await store.getImages([ids[2]]), [storedAs(ids[2], changed)]);
    });

    it('replaces captions by others with new ids; the old ones are gone at once', async () => {
      const store = await openNew();
      const [id] = await upsertTo(store, { path: ROOT, images: [record(1), record(2)] });
      await store.flush();
      const find = (k: number) =>
        neighborsOf(store, { target: 'captions', embedding: record(1).captions[0].embedding, k });
      const [old] = await find(1);
      assert.deepEqual(await store.getCaptions([old.id]), [
        { captionId: old.id, text: 'the first caption of 1', imageId: id },
      ]);
      for (const captions of [record(3).captions, [record(4).captions[1]], [], record(5).captions]) {
        const known = (await find(99)).map((neighbor) => neighbor.id);
        assert.deepEqual(await upsertTo(store, { path: ROOT, images: [record(1, { captions })] }), [id]);
        const found = await find(99);
        assert.equal(found.length, captions.length + 2);
        assert.equal((await store.info()).captions, captions.length + 2);
        const stored = await store.getCaptions(found.map((neighbor) => neighbor.id));
        const fresh = stored.filter(({ imageId }) => imageId === id);
        assert.deepEqual(fresh.map(({ text }) => text).sort(), captions.map(({ text }) => text).sort());
        assert.ok(
          fresh.every(({ captionId }) => captionId > Math.max(...known)),
          'ids are never reused',
        );
      }
      assert.deepEqual(await store.getCaptions([old.id]), []);
    });

    it('takes the last of two records of one file in a batch', async () => {
      const store = await openNew();
      const last = record(2, { file: record(1).file });
      const [one, two] = await upsertTo(store, { path: ROOT, images: [record(1), last] });
      assert.equal(one, two);
      assert.deepEqual(await store.getImages([one]), [storedAs(one, last)]);
    });
  });
}
