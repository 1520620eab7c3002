import assert from 'node:assert/strict';
import type { Attributes, Filter } from '../../../../src/filter.js';
import { splitBatch } from '../../../../src/store/limits.js';
import type { Store, Target } from '../../../../src/store/store.js';
import { matches } from '../oracle.js';
import { clusteredUnits, exactNearest, upsertTo } from '../records.js';
import { type Context, DIMENSION, record, ROOT } from './context.js';

export function testFilters({ open, openNew, newName }: Context): void {
  describe('filters', () => {
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
      const clusters = { count, dimension: DIMENSION, clusters: 40 };
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
  });
}
