import assert from 'node:assert/strict';
import { neighborsOf, randomUnit, scanSource, seededRandom, unit, upsertTo, type WholeRecord } from '../records.js';
import { type Context, DIMENSION, record, records, ROOT, storedAs, UNKNOWN } from './context.js';

export function testInput({ openNew }: Context): void {
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
      await store.putModelInputs([
        { imageId: UNKNOWN, contentHash: record(1).contentHash, modelInput: record(1).modelInput },
      ]);
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
}
