import assert from 'node:assert/strict';
import type { ImageRecord, PendingImage, Reembedding, Store, Target } from '../../../../src/store/store.js';
import { modelOf, neighborsOf, randomUnit, seededRandom, upsertTo } from '../records.js';
import { type Context, DIMENSION, MODEL, record, records, ROOT, storedAs } from './context.js';

export function testReindexing({ open, openNew, newName }: Context): void {
  describe('reindexing', () => {
    /** Another model, of embeddings and model inputs of other sizes. */
    const NEXT = {
      ...modelOf(8),
      path: '/models/next',
      hash: 'c'.repeat(64),
      prefilterHash: 'd'.repeat(64),
      inputSize: '2/2',
    };
    const nextEmbedding = (id: number) => randomUnit(seededRandom(1000 + id), NEXT.dimension);
    const nextInput = (id: number) => ({ width: 2, height: 2, pixels: new Uint8Array(12).fill(id) });
    const reembedded = ({ imageId, captions }: PendingImage): Reembedding => ({
      imageId,
      embedding: nextEmbedding(imageId),
      captions: captions.map(({ captionId }) => ({ captionId, embedding: nextEmbedding(captionId) })),
      modelInput: nextInput(imageId),
    });
    const pending = (store: Store) => store.pendingImages({ after: 0, limit: 1000 });
    const search = (store: Store, embedding: Float32Array, target: Target = 'images') =>
      neighborsOf(store, { target, embedding, k: 1000 });
    const idsOf = (found: { id: number }[]) => found.map(({ id }) => id).sort((a, b) => a - b);

    it('leaves everything as it is until the swap, then changes all of it but the ids', async () => {
      const name = newName();
      const store = await open(name);
      const ids = await upsertTo(store, { path: ROOT, images: records(0, 6) });
      const captionIds = idsOf(await search(store, record(1).embedding, 'captions'));
      await store.flush();
      assert.deepEqual(await store.beginReindex(NEXT), { total: 6, done: 0, abandoned: null });
      const all = await pending(store);
      assert.deepEqual(
        all.map(({ imageId }) => imageId),
        ids,
      );
      assert.deepEqual(
        all.flatMap(({ captions }) => captions.map(({ captionId }) => captionId)).sort((a, b) => a - b),
        captionIds,
      );
      const { file, contentHash } = record(0);
      const { captions } = all[0];
      assert.deepEqual(all[0], {
        imageId: ids[0],
        root: ROOT,
        file,
        location: { file },
        contentHash,
        captions,
        embedded: false,
        modelInput: null,
      });
      await store.putReembeddings(all.map(reembedded));
      assert.deepEqual(await pending(store), []);
      assert.deepEqual((await store.info()).model, MODEL);
      assert.equal((await search(store, record(1).embedding))[0].id, ids[1]);
      assert.deepEqual(await store.getModelInputs([ids[1]]), [record(1).modelInput]);

      await store.finishReindex({ unreadable: [] });
      for (const which of ['the same', 'opened again']) {
        const now = which === 'the same' ? store : await open(name);
        assert.deepEqual((await now.info()).model, NEXT, which);
        await assert.rejects(search(now, record(1).embedding), { code: 'INVALID_ARGUMENT' });
        for (const id of ids) assert.equal((await search(now, nextEmbedding(id)))[0].id, id);
        assert.deepEqual(idsOf(await search(now, nextEmbedding(1), 'captions')), captionIds);
        assert.deepEqual(
          await now.getImages(ids),
          ids.map((id, i) => storedAs(id, record(i))),
        );
        assert.deepEqual(await now.getModelInputs(ids), ids.map(nextInput));
        if (which === 'the same') await now.flush();
      }
    });

    it('goes on after it was stopped, also where images came and changed meanwhile', async () => {
      const name = newName();
      let store = await open(name);
      const ids = await upsertTo(store, { path: ROOT, images: records(0, 6) });
      await store.beginReindex(NEXT);
      await store.putReembeddings((await pending(store)).slice(0, 4).map(reembedded));
      await store.close();

      store = await open(name);
      const changed = record(50, { file: record(0).file });
      const recaptioned = record(1, { captions: record(51).captions });
      const [, , added] = await upsertTo(store, { path: ROOT, images: [changed, recaptioned, record(7)] });
      await store.flush();
      assert.equal((await search(store, record(7).embedding))[0].id, added);
      assert.deepEqual(await store.beginReindex(NEXT), { total: 7, done: 2, abandoned: null });
      const left = await pending(store);
      assert.deepEqual(
        left.map(({ imageId }) => imageId),
        [ids[0], ids[1], ids[4], ids[5], added],
      );
      await store.putReembeddings(left.map(reembedded));
      await store.finishReindex({ unreadable: [] });
      assert.deepEqual(idsOf(await search(store, nextEmbedding(1))), [...ids, added]);
      assert.equal((await search(store, nextEmbedding(1), 'captions')).length, 14);
    });

    it('pages through what is pending', async () => {
      const store = await openNew();
      const ids = await upsertTo(store, { path: ROOT, images: records(0, 5) });
      await store.beginReindex(NEXT);
      const found: number[] = [];
      for (let after = 0; ; after = found.at(-1)!) {
        const page = await store.pendingImages({ after, limit: 2 });
        if (page.length === 0) break;
        found.push(...page.map(({ imageId }) => imageId));
        await store.putReembeddings(page.map(reembedded));
      }
      assert.deepEqual(found, ids);
    });

    it('starts over for another model, and says which it gave up', async () => {
      const store = await openNew();
      await upsertTo(store, { path: ROOT, images: records(0, 3) });
      await store.beginReindex(NEXT);
      await store.putReembeddings((await pending(store)).map(reembedded));
      const third = { ...NEXT, prefilterHash: 'e'.repeat(64) };
      assert.deepEqual(await store.beginReindex(third), { total: 3, done: 0, abandoned: NEXT });
      assert.equal((await pending(store))[0].modelInput?.width, 2, 'inputs of that size are there by now');
    });

    it('refuses to swap while anything has no embedding, and to take a wrong one', async () => {
      const store = await openNew();
      await assert.rejects(pending(store), { code: 'INVALID_ARGUMENT' });
      await assert.rejects(store.putReembeddings([]), { code: 'INVALID_ARGUMENT' });
      await assert.rejects(store.finishReindex({ unreadable: [] }), { code: 'INVALID_ARGUMENT' });
      const ids = await upsertTo(store, { path: ROOT, images: records(0, 3) });
      await store.beginReindex(NEXT);
      const all = (await pending(store)).map(reembedded);
      const wrong = record(1).embedding; // of the dimension that the collection has now
      for (const change of [{ embedding: wrong }, { captions: [{ captionId: 1, embedding: wrong }] }]) {
        await assert.rejects(store.putReembeddings([all[0], { ...all[1], ...change }]), { code: 'INVALID_ARGUMENT' });
      }
      assert.equal((await pending(store)).length, 3);
      await store.putReembeddings([all[0], all[1], { ...all[2], captions: all[2].captions.slice(1) }]);
      await assert.rejects(store.finishReindex({ unreadable: [] }), {
        code: 'INVALID_ARGUMENT',
        message: /0 images and 1 captions/,
      });
      await assert.rejects(store.finishReindex({ unreadable: [ids[2]] }), { code: 'INVALID_ARGUMENT' });
      assert.deepEqual((await store.info()).model, MODEL);
      assert.equal((await search(store, record(2).embedding))[0].id, ids[2]);
      await store.putReembeddings([all[2]]);
      await store.finishReindex({ unreadable: [] });
    });

    it('keeps images that could not be read, unsearchable until they are upserted', async () => {
      const name = newName();
      let store = await open(name);
      const ids = await upsertTo(store, { path: ROOT, images: records(0, 4) });
      await store.beginReindex(NEXT);
      const all = (await pending(store)).map(reembedded);
      await store.putReembeddings([...all.slice(0, 3), { ...all[3], embedding: null, modelInput: null }]);
      assert.equal((await pending(store)).length, 1);
      await store.finishReindex({ unreadable: [ids[3]] });
      await store.flush();
      for (let round = 0; round < 2; round++) {
        assert.deepEqual(idsOf(await search(store, nextEmbedding(1))), ids.slice(0, 3));
        assert.equal((await search(store, nextEmbedding(1), 'captions')).length, 8);
        assert.equal((await store.info()).images, 4);
        assert.deepEqual(await store.getImages([ids[3]]), [{ ...storedAs(ids[3], record(3)), searchable: false }]);
        await store.close();
        store = await open(name);
      }
      const back = {
        ...record(3),
        embedding: nextEmbedding(ids[3]),
        captions: record(3).captions.map(({ text }) => ({ text, embedding: nextEmbedding(1) })),
      };
      assert.deepEqual(await upsertTo(store, { path: ROOT, images: [back] }), [ids[3]]);
      assert.equal((await search(store, nextEmbedding(ids[3])))[0].id, ids[3]);
      assert.deepEqual(await store.getImages([ids[3]]), [storedAs(ids[3], record(3))]);
    });

    it('wants the new captions alone of what was embedded before, and finds it though it is out of reach by then', async () => {
      const store = await openNew();
      const ids = await upsertTo(store, { path: ROOT, images: records(0, 2) });
      await store.beginReindex(NEXT);
      await store.putReembeddings((await pending(store)).map(reembedded));
      const captioned = ({ captions, ...image }: ImageRecord) => ({
        ...image,
        captions: [...captions, { ...captions[0], text: `${captions[0].text}, seen again` }],
      });
      await upsertTo(store, { path: ROOT, images: records(0, 2).map(captioned) });
      const lacking = await pending(store);
      assert.deepEqual(
        lacking.map(({ imageId, embedded, modelInput, captions }) => [imageId, embedded, modelInput, captions.length]),
        ids.map((imageId) => [imageId, true, null, record(0).captions.length + 1]),
      );
      await store.putReembeddings(
        lacking.map((image) => ({ ...reembedded(image), embedding: null, modelInput: null })),
      );
      assert.deepEqual(await pending(store), []);
      await store.finishReindex({ unreadable: [ids[1]] });
      assert.deepEqual(idsOf(await search(store, nextEmbedding(1))), [ids[0]], 'what is named unreadable is not found');
      const images = await store.getImages(ids);
      assert.deepEqual(
        images.map((image) => image?.searchable),
        [true, false],
      );
    });

    it('is noticed by whoever has the collection open', async () => {
      const name = newName();
      const sameSize = { ...NEXT, dimension: DIMENSION };
      const [writer, reader, late] = [await open(name), await open(name), await open(name)];
      const ids = await upsertTo(writer, { path: ROOT, images: records(0, 5) });
      await writer.beginReindex(sameSize);
      const all = await pending(writer);
      const embedding = (id: number) => randomUnit(seededRandom(2000 + id), DIMENSION);
      await writer.putReembeddings(
        all.map((image) => ({
          ...reembedded(image),
          embedding: embedding(image.imageId),
          captions: image.captions.map(({ captionId }) => ({ captionId, embedding: embedding(captionId) })),
        })),
      );
      assert.equal((await search(reader, record(2).embedding))[0].id, ids[2]);
      await assert.rejects(upsertTo(reader, { path: ROOT, images: [record(9)] }), { code: 'COLLECTION_BUSY' });
      await writer.finishReindex({ unreadable: [] });
      await writer.close();
      for (const store of [reader, late]) {
        for (let i = 0; i < 2; i++)
          await assert.rejects(search(store, record(2).embedding), { code: 'MODEL_MISMATCH' });
        await assert.rejects(upsertTo(store, { path: ROOT, images: [record(9)] }), { code: 'MODEL_MISMATCH' });
        assert.deepEqual(await store.getModelInputs([ids[2]]), [record(2).modelInput], 'those that its model reads');
        assert.equal((await store.getImages(ids)).length, 5);
        await store.close();
      }
      assert.equal((await search(await open(name), embedding(ids[2])))[0].id, ids[2]);
    });
  });
}
