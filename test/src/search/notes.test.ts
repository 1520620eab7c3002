import assert from 'node:assert/strict';
import { search, type SearchQuery } from '../../../src/search.js';
import type { Measurement } from '../../../src/vilt/calibration.js';
import { readSample, sampleCollection } from '../sample.js';
import { SHEEP, updatesOf } from '../updates.js';

const NO_MATCH = 'No picture here seems to match; these come nearest.';

describe('a search', function () {
  this.timeout(60_000);
  const small = sampleCollection();
  const sample = readSample();

  it('says on every update which words the model does not know', async () => {
    const updates = await updatesOf(small.engine.search({ text: 'a fox and a Zyzzyva', k: 1 }));
    assert.ok(updates.length > 2);
    for (const { unknownWords, notes } of updates) {
      assert.deepEqual(unknownWords, ['Zyzzyva']);
      assert.deepEqual(
        notes.filter((line) => line !== NO_MATCH),
        ['The model does not know "Zyzzyva".'],
      );
    }
    const known = await small.engine.search({ text: sample[0].captions[0], k: 1 }).final();
    assert.deepEqual([known.unknownWords, known.notes], [[], []]);
    const byImage = await small.engine.search({ image: sample[0].file, k: 1 }).final();
    assert.deepEqual(byImage.unknownWords, []);
  });

  it('says at the end whether nothing matches, where the calibration has a threshold and every candidate was reranked', async () => {
    const { store, inference } = small.engine;
    const last = (threshold: number, query: SearchQuery) => {
      const measured = { candidates: 32, nothingMatches: { threshold } } as Measurement;
      const info = { ...inference.info, calibration: { ...inference.info.calibration!, measured } };
      return updatesOf(search({ store, inference: { ...inference, info } }, query));
    };
    const updates = await last(1, { text: 'a fox', k: 1 });
    const found = updates.map(({ nothingMatches, notes }) => [nothingMatches, notes]);
    assert.deepEqual(found, [...updates.slice(1).map(() => [null, []]), [true, [NO_MATCH]]]);
    const told = async (threshold: number, query: SearchQuery) => {
      const { nothingMatches, notes } = (await last(threshold, query)).at(-1)!;
      return [nothingMatches, notes];
    };
    assert.deepEqual(await told(0, { text: 'a fox', k: 1 }), [false, []]);
    assert.deepEqual(await told(1, { text: 'a fox', k: 1, rerank: { pairs: 4 } }), [null, []]);
    // Of another best than that of 32 the threshold says nothing.
    assert.deepEqual(await told(1, { text: 'a fox', k: 1, candidates: 31 }), [null, []]);
    assert.deepEqual(await told(1, { text: 'a fox', k: 1, sources: ['captions'] }), [null, []]);
    assert.deepEqual(await told(1, { image: sample[0].file, k: 1 }), [null, []]);
    const info = { ...inference.info, calibration: { ...inference.info.calibration!, measured: undefined } };
    const unmeasured = await search({ store, inference: { ...inference, info } }, { text: 'a fox', k: 1 }).final();
    assert.equal(unmeasured.nothingMatches, null);
  });

  it('says so where the model has no head to rerank with', async () => {
    const { store, inference } = small.engine;
    const info = { ...inference.info, heads: inference.info.heads.filter((head) => head !== 'rank') };
    const headless = { store, inference: { ...inference, info } };
    const note = /no rank or ITM head/;
    const updates = await updatesOf(search(headless, { text: 'a fox', k: 1 }));
    for (const { notes } of updates) assert.match(notes.join(), note);
    assert.equal(updates.at(-1)!.hits[0].matchScore, null);
    const found = await updatesOf(search(headless, { image: sample[0].file, target: 'images', k: 1 }));
    for (const { notes } of found) assert.deepEqual(notes, [], 'two images are not reranked by any model');
  });

  it('says on every update that a long text was cut', async () => {
    const updates = await updatesOf(small.engine.search({ text: 'four blue sheep '.repeat(20), k: 1 }));
    for (const { notes } of updates) {
      assert.equal(notes.length, 1);
      assert.match(notes[0], /longer than the 40 tokens/);
    }
    assert.equal(updates.at(-1)!.hits[0].file, SHEEP);
  });
});
