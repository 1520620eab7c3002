import assert from 'node:assert/strict';
import type { Attributes, Filter } from '../../../../src/filter.js';
import { splitBatch } from '../../../../src/store/limits.js';
import type { Store, Target } from '../../../../src/store/store.js';
import { matches } from '../oracle.js';
import { clusteredUnits, exactNearest, imageRecord, upsertTo, type WholeRecord } from '../records.js';

const ROOT = '/datasets/filtered';

export interface FilteringOptions {
  /** Opens the store of a name, made where there is none. */
  open: (name: string) => Promise<Store>;
  /** A name that no store has. */
  newName: () => string;
  dimension: number;
}

/** What every Store does with filters, and with the words of captions. */
export function testFiltering({ open, newName, dimension }: FilteringOptions): void {
  const openNew = () => open(newName());
  const record = (seed: number, changes: Partial<WholeRecord> = {}) => imageRecord(seed, dimension, changes);
  const captioned = (seed: number, text: string, changes: Partial<WholeRecord> = {}) => {
    const { embedding } = record(5000 + seed);
    return record(seed, { captions: [{ text, embedding }], ...changes });
  };
  const bucket = (value: number): Filter => ({ field: 'bucket', eq: value });

  async function countOf(store: Store, filter: Filter): Promise<number> {
    const [count, page] = await Promise.all([store.count(filter), store.scan({ after: 0, limit: 1000, filter })]);
    assert.equal(page.length, count);
    return count;
  }

  const wrong: [string, unknown, RegExp][] = [
    ['that is null', null, /^filter: expected an object/],
    ['with a misspelled key', { field: 'split', equal: 'test' }, /^filter has no key "equal"/],
    [
      'with a wrong value far inside',
      { and: [{ not: { field: 'a', in: [1, {}] } }] },
      /^filter\.and\[0\]\.not\.in\[1\]/,
    ],
    ['with a range of nothing', { and: [bucket(1), { field: 'a', range: {} }] }, /^filter\.and\[1\]\.range/],
  ];
  for (const [what, value, message] of wrong) {
    it(`refuses a filter ${what}, and says where`, async () => {
      const store = await openNew();
      await upsertTo(store, { path: ROOT, images: [record(1)] });
      const filter = value as Filter;
      const query = { embedding: record(1).embedding, k: 3, filter };
      for (const call of [
        () => store.nearest({ target: 'images', ...query }),
        () => store.captionMatches({ text: 'first', ...query }),
        () => store.count(filter),
        () => store.scan({ after: 0, limit: 10, filter }),
      ]) {
        await assert.rejects(call, { code: 'INVALID_ARGUMENT', message });
      }
      assert.equal(await store.count(), 1);
    });
  }

  it('finds none in an empty store, and none where nothing matches', async () => {
    const store = await openNew();
    const query = { target: 'images', embedding: record(1).embedding, k: 3, filter: bucket(1) } as const;
    assert.deepEqual(await store.nearest(query), { neighbors: [], complete: true });
    await upsertTo(store, { path: ROOT, images: [record(1)] });
    assert.deepEqual(await store.nearest(query), { neighbors: [], complete: true });
    assert.deepEqual(await store.scan({ after: 0, limit: 10, filter: bucket(1) }), []);
    assert.equal(await store.count(bucket(1)), 0);
  });

  it('counts, scans and finds the images of which any file matches', async () => {
    const store = await openNew();
    const attributes = (i: number): Attributes => ({ bucket: i % 4, author: i % 2 ? 'Zoë' : null, 'a.b "c"': true });
    const images = Array.from({ length: 40 }, (_, i) => record(i, { attributes: attributes(i) }));
    const ids = await upsertTo(store, { path: ROOT, images });
    // The first ten lie in another source too, which says something else of them.
    const others = images.slice(0, 10).map((image) => ({ ...image, split: 'other', attributes: { bucket: 9 } }));
    const { sourceId } = await store.addSource({ path: '/other', root: '/other', format: 'folder', options: {} });
    assert.deepEqual(await store.upsert({ sourceId, images: others }), ids.slice(0, 10));
    await store.markMissing({ sourceId, files: [others[9].file] });

    const files = [
      ...images.map((image, i) => ({ id: ids[i], file: { ...image, source: ROOT, missing: false } })),
      ...others.map((image, i) => ({ id: ids[i], file: { ...image, source: '/other', missing: i === 9 } })),
    ];
    const filters: Filter[] = [
      { and: [] },
      { or: [] },
      bucket(9),
      { not: bucket(9) },
      { and: [bucket(9), bucket(1)] },
      {
        and: [
          { field: 'source', eq: '/other' },
          { field: 'missing', eq: false },
        ],
      },
      { field: 'author', eq: null },
      { field: 'author', contains: 'zOË' },
      { field: 'attributes.a.b "c"', in: [1, true] },
      { field: 'split', exists: false },
      { field: 'file', range: { gte: 'pictures/3', lt: 'pictures/4' } },
      { field: 'width', range: { gt: 330, lte: 340.5 } },
      {
        or: [
          { field: 'bytes', eq: 1007 },
          { field: 'missing', eq: true },
        ],
      },
    ];
    for (const filter of filters) {
      const right = [...new Set(files.filter(({ file }) => matches(filter, file)).map(({ id }) => id))].sort(
        (a, b) => a - b,
      );
      const said = JSON.stringify(filter);
      assert.equal(await store.count(filter), right.length, said);
      const scanned: number[] = [];
      for (let after = 0; ;) {
        const page = await store.scan({ after, limit: 7, filter });
        if (page.length === 0) break;
        scanned.push(...page.map(({ imageId }) => imageId));
        after = scanned.at(-1)!;
      }
      assert.deepEqual(scanned, right, said);
      const vectors = right.map((id): [number, Float32Array] => [id, images[ids.indexOf(id)].embedding]);
      const { embedding } = record(77);
      for (const k of [3, 100]) {
        const { neighbors, complete } = await store.nearest({ target: 'images', embedding, k, filter });
        const expected = exactNearest(vectors, embedding, k).map(({ id }) => id);
        assert.deepEqual([neighbors.map(({ id }) => id), complete], [expected, true], said);
      }
    }
  });

  it('sees at once what changes', async () => {
    const store = await openNew();
    const images = Array.from({ length: 6 }, (_, i) => record(i, { attributes: { bucket: i % 2 } }));
    const ids = await upsertTo(store, { path: ROOT, images });
    const [{ sourceId }] = await store.sources();
    assert.equal(await countOf(store, bucket(1)), 3);
    await upsertTo(store, { path: ROOT, images: [record(0, { attributes: { bucket: 1 } })] });
    assert.equal(await countOf(store, bucket(1)), 4);
    await store.markMissing({ sourceId, files: [images[1].file] });
    assert.equal(await countOf(store, { field: 'missing', eq: true }), 1);
    await store.remove([ids[3]]);
    assert.equal(await countOf(store, bucket(1)), 3);
    await store.moveSource({ sourceId, path: '/moved', root: '/moved' });
    assert.equal(await countOf(store, { field: 'source', eq: '/moved' }), 5);
    const { neighbors } = await store.nearest({
      ...{ target: 'images', embedding: record(3).embedding, k: 9, filter: bucket(1) },
    });
    assert.deepEqual(new Set(neighbors.map(({ id }) => id)), new Set([ids[0], ids[1], ids[5]]));
  });

  it('finds min(k, matches) of 1 % and of half of 2,000 images and captions, after deletes and opened again', async function () {
    this.timeout(120_000);
    const name = newName();
    let store = await open(name);
    const count = 2000;
    const clusters = { count, dimension, clusters: 40 };
    const [pictures, texts] = [clusteredUnits({ seed: 1, ...clusters }), clusteredUnits({ seed: 2, ...clusters })];
    const images = pictures.map((embedding, i) =>
      record(i, {
        attributes: { bucket: i % 100, half: i % 2 },
        embedding,
        captions: [{ text: `caption ${i}`, embedding: texts[i] }],
      }),
    );
    const imageIds: number[] = [];
    for (const batch of splitBatch(images)) imageIds.push(...(await upsertTo(store, { path: ROOT, images: batch })));
    const gone = new Set<number>();

    const assertFound = async (target: Target) => {
      for (const [share, filter] of [
        [(i: number) => i % 100 === 42, bucket(42)],
        [(i: number) => i % 2 === 1, { field: 'half', eq: 1 } as const],
      ] as const) {
        const matching = imageIds.flatMap((imageId, i): [number, Float32Array][] => {
          if (!share(i) || gone.has(imageId)) return [];
          return [[imageId, (target === 'images' ? pictures : texts)[i]]];
        });
        let [hits, wanted] = [0, 0];
        for (const embedding of clusteredUnits({ seed: 3, ...clusters, count: 20 })) {
          for (const k of [10, 100]) {
            const { neighbors, complete } = await store.nearest({ target, embedding, k, filter });
            assert.deepEqual([neighbors.length, complete], [Math.min(k, matching.length), true]);
            const right = new Set(exactNearest(matching, embedding, k).map(({ id }) => id));
            const ids = neighbors.map(({ id }) => id);
            const found = target === 'images' ? ids : (await store.getCaptions(ids)).map(({ imageId }) => imageId);
            hits += found.filter((id) => right.has(id)).length;
            wanted += right.size;
          }
        }
        assert.ok(hits / wanted >= 0.95, `recall ${hits / wanted} of ${matching.length} ${target}`);
      }
    };
    const assertBothFound = async () => {
      await assertFound('images');
      await assertFound('captions');
    };

    await assertBothFound();
    await store.flush();
    await assertBothFound();
    for (let i = 0; i < count; i += 3) gone.add(imageIds[i]);
    await store.remove([...gone]);
    await assertBothFound();
    await store.flush();
    await assertBothFound();
    await store.close();
    store = await open(name);
    await assertBothFound();
  });

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
      const query = { text: 'dog', embedding: record(1).embedding, filter: bucket(2) };
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
      for (const change of [{ k: 0 }, { k: 1001 }, { embedding: query.embedding.subarray(1) }]) {
        await assert.rejects(store.captionMatches({ ...query, ...change }), { code: 'INVALID_ARGUMENT' });
      }
    });
  });
}
