import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { search } from '../../../src/search.js';
import { openStore } from '../../../src/store/sqlite/store.js';
import type { Measurement } from '../../../src/vilt/calibration.js';
import { counting, PICTURES, sampleCollection } from '../sample.js';
import { assertAlike, filesOf, SHEEP, QUERY, stagesOf, updatesOf } from '../updates.js';

describe('reranking', function () {
  this.timeout(60_000);
  const small = sampleCollection();

  describe('with a budget', () => {
    it('of no pairs stops at the nearest', async () => {
      const { store } = small.engine;
      const { inference, calls } = counting(small.engine.inference);
      const updates = await updatesOf(search({ store, inference }, { ...QUERY, rerank: { pairs: 0 } }));
      assert.deepEqual(stagesOf(updates), ['nearest', 'final']);
      assert.deepEqual(updates[1].hits, updates[0].hits);
      assert.deepEqual([updates[1].spent.pairs, calls.length], [0, 0]);
    });

    it('of five pairs reranks the five nearest and leaves the rest as they were', async () => {
      const query = { ...QUERY, k: PICTURES, rerank: { pairs: 5 } };
      const updates = await updatesOf(small.engine.search(query));
      assert.deepEqual(stagesOf(updates), ['nearest', 'wave', 'final']);
      const [nearest, , final] = updates;
      assert.deepEqual(filesOf(final.hits.slice(0, 5)).sort(), filesOf(nearest.hits.slice(0, 5)).sort());
      assert.ok(final.hits.slice(0, 5).every(({ matchScore }) => matchScore !== null));
      assert.deepEqual(final.hits.slice(5), nearest.hits.slice(5));
      assert.deepEqual([final.spent.pairs, final.spent.cutShort], [5, true]);
    });

    it('of more pairs than there are candidates is not cut short', async () => {
      const { spent } = await small.engine.search({ ...QUERY, rerank: { pairs: 1000 } }).final();
      assert.deepEqual([spent.pairs, spent.cutShort], [PICTURES, false]);
    });

    it('of no time stops at the nearest and says so', async () => {
      const updates = await updatesOf(small.engine.search({ ...QUERY, rerank: { milliseconds: 0 } }));
      assert.deepEqual(stagesOf(updates), ['nearest', 'final']);
      assert.deepEqual([updates[1].spent.pairs, updates[1].spent.cutShort], [0, true]);
    });

    it('of little time ends with the wave under way', async () => {
      const { spent } = await small.engine.search({ ...QUERY, rerank: { milliseconds: 1 } }).final();
      assert.ok(spent.pairs <= 8 && spent.cutShort);
    });

    it('of much time is not cut short', async () => {
      const { spent } = await small.engine.search({ ...QUERY, rerank: { milliseconds: 60_000 } }).final();
      assert.deepEqual([spent.pairs, spent.cutShort], [PICTURES, false]);
    });
  });

  describe('without the cache of model inputs', () => {
    const pictures = () => path.join(small.folder.path, 'source');
    const without = path.join('collections', 'small', 'inputs.sqlite');

    /** The same collection, its pictures where they were, with nothing in the cache. */
    async function openEmptied() {
      const data = path.join(small.folder.path, 'emptied');
      rmSync(data, { recursive: true, force: true });
      await small.engine.store.flush();
      cpSync(path.join(small.folder.path, 'data'), data, { recursive: true });
      for (const suffix of ['', '-wal', '-shm']) rmSync(path.join(data, `${without}${suffix}`), { force: true });
      return openStore({ data, name: 'small' });
    }

    it('reads the originals, and keeps what it read', async () => {
      const store = await openEmptied();
      const expected = await small.engine.search(QUERY).final();
      assert.deepEqual(await store.getModelInputs([1, 14]), [null, null]);
      assertAlike(await search({ store, inference: small.engine.inference }, QUERY).final(), expected);
      assert.ok((await store.getModelInputs([1, 14])).every((input) => input !== null));
      await store.close();
    });

    it('passes over originals that are gone or damaged, and keeps them as candidates', async () => {
      const store = await openEmptied();
      const [gone, damaged] = [SHEEP, 'scene-000015.jpg'].map((name) => path.join(pictures(), name));
      const originals = [gone, damaged].map((file) => readFileSync(file));
      rmSync(gone);
      writeFileSync(damaged, originals[1].subarray(0, 500));
      try {
        const query = { ...QUERY, k: PICTURES };
        const { hits, spent, notes } = await search({ store, inference: small.engine.inference }, query).final();
        assert.deepEqual(notes, [
          '2 pictures that come near cannot be read any more: after those that the model read with the text.',
        ]);
        assert.equal(hits.length, PICTURES);
        assert.deepEqual([spent.pairs, spent.cutShort], [PICTURES - 2, false]);
        const passedOver = hits.filter(({ matchScore }) => matchScore === null);
        assert.deepEqual(passedOver, hits.slice(-2));
        assert.deepEqual(filesOf(passedOver), [SHEEP, 'scene-000015.jpg']);
        // The match may be one that was passed over, whatever the others' probabilities are.
        const { info } = small.engine.inference;
        const measured = { candidates: 32, nothingMatches: { threshold: 1 } } as Measurement;
        const strict = {
          ...small.engine.inference,
          info: { ...info, calibration: { ...info.calibration!, measured } },
        };
        assert.equal((await search({ store, inference: strict }, query).final()).nothingMatches, null);
        assert.equal(
          (await search({ store: small.engine.store, inference: strict }, query).final()).nothingMatches,
          true,
        );
      } finally {
        [gone, damaged].forEach((file, i) => writeFileSync(file, originals[i]));
        await store.close();
      }
    });

    it('needs no original of a picture that is in the cache', async () => {
      const original = path.join(pictures(), SHEEP);
      const bytes = readFileSync(original);
      rmSync(original);
      try {
        const { hits } = await small.engine.search(QUERY).final();
        assert.equal(hits[0].file, SHEEP);
        assert.notEqual(hits[0].matchScore, null);
      } finally {
        writeFileSync(original, bytes);
      }
    });
  });
});
