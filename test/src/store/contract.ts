import assert from 'node:assert/strict';
import type { ImageRecord, PendingImage, Reembedding, Store, StoredImage, Target } from '../../../src/store/store.js';
import { testFiltering } from './filtering.js';
import {
  clusteredUnits,
  exactNearest,
  imageRecord,
  modelOf,
  neighborsOf,
  randomUnit,
  scanSource,
  seededRandom,
  unit,
  upsertTo,
  type WholeRecord,
} from './records.js';

const DIMENSION = 16;
const MODEL = modelOf(DIMENSION);
const ROOT = '/datasets/pictures';
const UNKNOWN = 4_000_000_000;

const record = (seed: number, changes: Partial<WholeRecord> = {}) => imageRecord(seed, DIMENSION, changes);
const records = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => record(from + i));

function storedAs(imageId: number, image: ImageRecord, root = ROOT): StoredImage {
  const { file, location, contentHash, bytes, modified, width, height, split, attributes, captions } = image;
  return {
    imageId,
    root,
    file,
    location,
    contentHash,
    bytes,
    modified,
    width,
    height,
    split,
    attributes,
    captions: captions.map(({ text }) => text),
    missing: false,
    searchable: true,
  };
}

/**
 * What every Store does, whatever keeps it.
 *
 * @param openNamed opens the store of a name, made where there is none and bound to `model`
 */
export function testStoreContract(openNamed: (name: string, model: typeof MODEL) => Promise<Store>): void {
  let stores = 0;
  const opened: Store[] = [];
  const open = async (name: string) => {
    const store = await openNamed(name, MODEL);
    opened.push(store);
    return store;
  };
  const openNew = () => open(`contract-${stores++}`);

  afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())));

  describe('bad input', () => {
    const wrong: [string, Partial<WholeRecord>][] = [
      ['an embedding that is too short', { embedding: randomUnit(seededRandom(1), DIMENSION - 1) }],
      ['an embedding that is too long', { embedding: randomUnit(seededRandom(1), DIMENSION + 1) }],
      ['an embedding with NaN', { embedding: unit(new Float32Array(DIMENSION).fill(1)).fill(NaN, 3, 4) }],
      ['an embedding with Infinity', { embedding: unit(new Float32Array(DIMENSION).fill(1)).fill(Infinity, 3, 4) }],
      ['an embedding that is not of unit length', { embedding: new Float32Array(DIMENSION).fill(1) }],
      ['an embedding of zeros', { embedding: new Float32Array(DIMENSION) }],
      [
        'a caption whose embedding holds NaN',
        { captions: [{ text: 'x', embedding: new Float32Array(DIMENSION).fill(NaN) }] },
      ],
      ['a caption whose embedding is too short', { captions: [{ text: 'x', embedding: Float32Array.of(1) }] }],
      ['a model input of the wrong length', { modelInput: { width: 4, height: 4, pixels: new Uint8Array(7) } }],
    ];
    for (const [what, changes] of wrong) {
      it(`refuses ${what}, and with it the whole batch`, async () => {
        const store = await openNew();
        const batch = [record(1), record(2, changes), record(3)];
        await assert.rejects(upsertTo(store, { path: ROOT, images: batch }), { code: 'INVALID_ARGUMENT' });
        assert.deepEqual(await scanSource(store, { path: ROOT }), []);
        assert.equal((await store.info()).captions, 0);
        assert.equal((await upsertTo(store, { path: ROOT, images: [record(1)] })).length, 1, 'it goes on');
      });
    }

    it('refuses a query that no embedding could be compared with', async () => {
      const store = await openNew();
      await upsertTo(store, { path: ROOT, images: records(0, 3) });
      const query = { target: 'images', embedding: record(1).embedding, k: 3 } as const;
      for (const change of [
        { k: 0 },
        { k: -1 },
        { k: 1.5 },
        { k: NaN },
        { embedding: query.embedding.subarray(1) },
        { embedding: new Float32Array(DIMENSION).fill(NaN) },
        { target: 'sources; DROP TABLE images' as never },
      ]) {
        await assert.rejects(
          neighborsOf(store, { ...query, ...change }),
          { code: 'INVALID_ARGUMENT' },
          JSON.stringify(change),
        );
      }
      assert.equal((await neighborsOf(store, query)).length, 3);
    });

    it('leaves out ids that are not there', async () => {
      const store = await openNew();
      const [id] = await upsertTo(store, { path: ROOT, images: [record(1)] });
      const ids = [UNKNOWN, id, -1, 0, 0.5, NaN, 2 ** 60];
      assert.deepEqual(await store.getImages(ids), [storedAs(id, record(1))]);
      assert.deepEqual(
        (await store.getModelInputs(ids)).map(Boolean),
        ids.map((other) => other === id),
      );
      assert.deepEqual(await store.getCaptions([UNKNOWN, -1, NaN]), []);
      await store.putModelInputs([{ imageId: UNKNOWN, modelInput: record(1).modelInput }]);
      assert.deepEqual(await store.getModelInputs([UNKNOWN]), [null]);
    });

    it('keeps hostile text to the letter', async () => {
      const store = await openNew();
      const texts = [
        "'); DROP TABLE captions; --",
        '<script>alert(1)</script>',
        'null\0inside',
        '🦊 \u202e ﷽',
        '',
        'x'.repeat(1e6),
      ];
      const captions = texts.map((text, i) => ({ text, embedding: randomUnit(seededRandom(i), DIMENSION) }));
      const image = record(1, { file: "../../etc/'passwd'\n.png", captions });
      const [id] = await upsertTo(store, { path: "/data/'; --", images: [image] });
      assert.deepEqual(await store.getImages([id]), [storedAs(id, image, "/data/'; --")]);
    });

    it('refuses calls after close, and closes twice', async () => {
      const store = await openNew();
      await store.close();
      await store.close();
      await assert.rejects(store.info(), { code: 'INVALID_ARGUMENT' });
    });

    it('refuses a page without bounds', async () => {
      const store = await openNew();
      for (const wrong of [
        { limit: 0 },
        { limit: -1 },
        { limit: NaN },
        { limit: Infinity },
        { after: 0.5 },
        { after: NaN },
      ]) {
        const page = { after: 0, limit: 10, ...wrong };
        await assert.rejects(store.scan(page), { code: 'INVALID_ARGUMENT' }, JSON.stringify(wrong));
      }
    });
  });

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

  describe('scan', () => {
    it('pages through all images in order of id', async () => {
      const store = await openNew();
      const ids = await upsertTo(store, { path: ROOT, images: records(0, 7) });
      const found: StoredImage[] = [];
      for (let after = 0; ; after = found.at(-1)!.imageId) {
        const page = await store.scan({ after, limit: 3 });
        assert.ok(page.length <= 3);
        found.push(...page);
        if (page.length === 0) break;
      }
      assert.deepEqual(
        found,
        ids.map((id, i) => storedAs(id, record(i))),
      );
    });
  });

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

    it('reaches a recall@10 of 0.95 on clustered vectors, also after replacing some and opening again', async () => {
      const name = `contract-${stores++}`;
      let store = await open(name);
      const vectors = clusteredUnits({ seed: 3, count: 1000, dimension: DIMENSION, clusters: 20 });
      const replaced = clusteredUnits({ seed: 4, count: 100, dimension: DIMENSION, clusters: 20 });
      const image = (i: number, embedding: Float32Array, contentHash: string) =>
        record(i, { embedding, contentHash, captions: [] });
      const ids = await upsertTo(store, { path: ROOT, images: vectors.map((vector, i) => image(i, vector, `${i}`)) });
      await store.flush();
      await upsertTo(store, { path: ROOT, images: replaced.map((vector, i) => image(i, vector, `new ${i}`)) });
      const current = new Map(ids.map((id, i) => [id, replaced[i] ?? vectors[i]]));
      const recall = async () => {
        let hits = 0;
        for (let i = 0; i < 1000; i += 20) {
          const query = { target: 'images', embedding: vectors[i], k: 10 } as const;
          const expected = new Set(exactNearest(current, query.embedding, 10).map(({ id }) => id));
          hits += (await neighborsOf(store, query)).filter(({ id }) => expected.has(id)).length;
        }
        return hits / 500;
      };
      assert.ok((await recall()) >= 0.95);
      await store.close();
      store = await open(name);
      assert.ok((await recall()) >= 0.95);
    });
  });

  describe('filters', () => testFiltering({ open, newName: () => `contract-${stores++}`, dimension: DIMENSION }));

  describe('model inputs', () => {
    it('come back exactly, in the order of the ids', async () => {
      const store = await openNew();
      const ids = await upsertTo(store, { path: ROOT, images: records(0, 4) });
      const order = [ids[3], UNKNOWN, ids[0], ids[3]];
      const expected = [record(3).modelInput, null, record(0).modelInput, record(3).modelInput];
      assert.deepEqual(await store.getModelInputs(order), expected);
    });

    it('are those of the content that an image has now', async () => {
      const store = await openNew();
      const [id] = await upsertTo(store, { path: ROOT, images: [record(1)] });
      await upsertTo(store, { path: ROOT, images: [record(9, { file: record(1).file })] });
      assert.deepEqual(await store.getModelInputs([id]), [record(9).modelInput]);
      const wrong = { width: 4, height: 4, pixels: new Uint8Array(7) };
      await assert.rejects(store.putModelInputs([{ imageId: id, modelInput: wrong }]), { code: 'INVALID_ARGUMENT' });
      assert.deepEqual(await store.getModelInputs([id]), [record(9).modelInput]);
    });
  });

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
      await store.addSource(source('/empty'));
      await moveTo('/empty');
      assert.deepEqual(await store.getImages([id]), [storedAs(id, record(1), '/empty')]);
    });
  });

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
      const name = `contract-${stores++}`;
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
      const name = `contract-${stores++}`;
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
      const name = `contract-${stores++}`;
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

    it('is noticed by whoever has the collection open', async () => {
      const name = `contract-${stores++}`;
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

  describe('closing', () => {
    it('finishes what was asked before, and refuses what is asked after', async () => {
      const name = `contract-${stores++}`;
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
      const name = `contract-${stores++}`;
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
