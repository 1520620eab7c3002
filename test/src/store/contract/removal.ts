import assert from 'node:assert/strict';
import { neighborsOf } from '../records.js';
import { record, records, ROOT, sourceOf, UNKNOWN, type Context } from './context.js';

const fileOf = (seed: number) => record(seed).file;
const hashOf = (seed: number) => record(seed).contentHash;

export function testRemoval({ open, openNew, newName }: Context): void {
  describe('removing', () => {
    it('does nothing for what is not there', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      assert.equal(await store.remove([]), 0);
      assert.equal(await store.remove([1, -1, 0, 0.5, NaN, UNKNOWN, 2 ** 60]), 0);
      assert.equal(await store.removeFiles({ sourceId, files: ['nowhere', ''] }), 0);
      assert.equal(await store.restore(), 0);
      assert.equal(await store.restore(['unknown']), 0);
      await store.markMissing({ sourceId, files: ['nowhere'] });
      assert.deepEqual(await store.getFiles({ sourceId, files: ['nowhere'] }), [null]);
    });

    it('shows at once, everywhere, and once', async () => {
      const name = newName();
      const store = await open(name);
      const sourceId = await sourceOf(store);
      const ids = await store.upsert({ sourceId, images: records(0, 8) });
      await store.flush();
      const captionIds = await neighborsOf(store, {
        target: 'captions',
        embedding: record(3).captions[0].embedding,
        k: 1,
      });
      assert.equal(await store.remove([ids[3], ids[5], ids[3]]), 2);
      assert.equal(await store.remove([ids[3], ids[5]]), 0);
      const left = ids.filter((_, seed) => seed !== 3 && seed !== 5);
      for (const which of ['the same', 'opened again']) {
        const now = which === 'the same' ? store : await open(name);
        const images = await neighborsOf(now, { target: 'images', embedding: record(3).embedding, k: 99 });
        assert.deepEqual(
          images.map(({ id }) => id).sort((a, b) => a - b),
          left,
          which,
        );
        assert.equal(
          (await neighborsOf(now, { target: 'captions', embedding: record(3).embedding, k: 99 })).length,
          12,
        );
        const words = await now.captionMatches({ text: '3', embedding: record(3).embedding, k: 99 });
        assert.deepEqual(words.neighbors, []);
        assert.deepEqual(await now.getImages([ids[3], ids[5]]), []);
        assert.deepEqual(await now.getCaptions(captionIds.map(({ id }) => id)), []);
        assert.deepEqual(await now.getModelInputs([ids[3]]), [null]);
        assert.deepEqual(await now.getFiles({ sourceId, files: [fileOf(3)] }), [null]);
        assert.deepEqual(
          (await now.scan({ after: 0, limit: 99 })).map(({ imageId }) => imageId),
          left,
        );
        const { images: count, captions } = await now.info();
        assert.deepEqual([count, captions, (await now.statistics()).removed], [6, 12, 2]);
      }
    });

    it('keeps contents out until they are restored, whatever they are called', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const [one, two] = await store.upsert({ sourceId, images: [record(1), record(2), record(1, { file: 'copy' })] });
      await store.remove([one, two]);
      assert.equal((await store.statistics()).files, 0, 'with all of its files');
      for (const file of [fileOf(1), 'copy', 'another']) {
        const batch = { sourceId, images: [record(7), record(1, { file })] };
        await assert.rejects(store.upsert(batch), { code: 'INVALID_ARGUMENT', message: /removed/ });
      }
      assert.equal((await store.info()).images, 0);
      assert.equal(await store.restore([hashOf(1), 'unknown', hashOf(1)]), 1);
      assert.deepEqual(await store.findContents([hashOf(1), hashOf(2)]), [null, 'removed']);
      const [back] = await store.upsert({ sourceId, images: [record(1)] });
      assert.ok(back > Math.max(one, two), 'ids are never reused');
      assert.equal(await store.restore(), 1);
      assert.equal(await store.restore(), 0);
      assert.deepEqual(await store.findContents([hashOf(2)]), [null]);
    });

    it('never gives an id again, also when opened again', async () => {
      const name = newName();
      const given = new Set<number>();
      for (let round = 0; round < 4; round++) {
        const store = await open(name);
        const sourceId = await sourceOf(store);
        const ids = await store.upsert({ sourceId, images: records(round * 3, round * 3 + 3) });
        const found = await neighborsOf(store, { target: 'captions', embedding: record(1).embedding, k: 99 });
        assert.equal(found.length, 6);
        for (const id of ids) assert.ok(!given.has(id));
        ids.forEach((id) => given.add(id));
        await store.remove(ids);
        await store.close();
      }
      assert.equal(given.size, 12);
    });
  });

  describe('files', () => {
    it('come back as they were indexed, in the order given', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const location = { file: 'rows.parquet', row: 7, column: 'picture' };
      const row = record(2, { file: 'rows.parquet/7', location, attributes: { stars: 4.5 } });
      const [one, two] = await store.upsert({ sourceId, images: [record(1), row] });
      const [file, none, plain] = await store.getFiles({ sourceId, files: [row.file, 'nowhere', fileOf(1)] });
      const { contentHash, bytes, modified, split, attributes } = row;
      assert.deepEqual(file, {
        ...{ fileId: file!.fileId, imageId: two, sourceId, file: row.file, location, contentHash, bytes, modified },
        ...{ split, attributes, captions: row.captions.map(({ text }) => text), missing: false, searchable: true },
      });
      assert.equal(none, null);
      assert.deepEqual([plain?.imageId, plain?.location], [one, { file: fileOf(1) }]);
    });

    it('that are missing stay, and are back when they are upserted', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const [id] = await store.upsert({ sourceId, images: records(0, 2) });
      await store.markMissing({ sourceId, files: [fileOf(0), 'nowhere'] });
      await store.markMissing({ sourceId, files: [fileOf(0)] });
      const files = await store.getFiles({ sourceId, files: [fileOf(0), fileOf(1)] });
      assert.deepEqual(
        files.map((file) => file?.missing),
        [true, false],
      );
      assert.deepEqual((await store.getImages([id]))[0].missing, true);
      assert.equal((await store.statistics()).missing, 1);
      assert.equal((await neighborsOf(store, { target: 'images', embedding: record(0).embedding, k: 1 }))[0].id, id);
      assert.deepEqual(await store.upsert({ sourceId, images: [{ ...record(0), embedding: null }] }), [id]);
      assert.equal((await store.statistics()).missing, 0);
    });

    it('that are removed take along an image that has no other, and do not keep it out', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const other = await sourceOf(store, '/elsewhere');
      const [one] = await store.upsert({ sourceId, images: [record(1), record(1, { file: 'copy' }), record(2)] });
      await store.upsert({ sourceId: other, images: [record(2)] });
      assert.equal(await store.removeFiles({ sourceId, files: [fileOf(1), fileOf(2)] }), 0, 'both have others');
      assert.equal(await store.removeFiles({ sourceId, files: [fileOf(1), fileOf(2)] }), 0);
      assert.equal(await store.removeFiles({ sourceId, files: ['copy'] }), 1);
      assert.deepEqual(await store.getImages([one]), []);
      assert.deepEqual(await store.findContents([hashOf(1)]), [null]);
      const found = await neighborsOf(store, { target: 'images', embedding: record(1).embedding, k: 9 });
      assert.equal(found.length, 1);
      assert.equal((await store.statistics()).removed, 0);
      const [again] = await store.upsert({ sourceId, images: [record(1)] });
      assert.ok(again > one);
      assert.equal((await store.getImages([again]))[0].root, ROOT);
    });
  });
}
