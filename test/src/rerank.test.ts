import assert from 'node:assert/strict';
import { hydrate, type Candidate } from '../../src/hit.js';
import { rerank, type Query } from '../../src/rerank.js';
import type { Target } from '../../src/store/store.js';
import { counting, PICTURES, readSample, sampleCollection } from './sample.js';
import { neighborsOf } from './store/records.js';

describe('rerank', function () {
  this.timeout(60_000);
  const small = sampleCollection();
  let images: Candidate[];
  let captions: Candidate[];

  before(async () => {
    const { store, inference } = small.engine;
    const [{ embedding }] = await inference.embedTexts(['three yellow foxes at night']);
    const nearest = async (target: Target) => {
      const neighbors = await neighborsOf(store, { target, embedding, k: 1000 });
      return hydrate(
        store,
        target,
        neighbors.map((neighbor) => ({ ...neighbor, sources: ['nearest'] })),
      );
    };
    [images, captions] = [await nearest('images'), await nearest('captions')];
  });

  const TEXT: Query = { text: 'three yellow foxes at night' };
  const never = () => false;

  async function wavesOf(query: Query, candidates: Candidate[], options: { until?: () => boolean } = {}) {
    const { inference, calls } = counting(small.engine.inference);
    const waves: Candidate[][] = [];
    const context = { store: small.engine.store, inference };
    for await (const wave of rerank(context, query, candidates, { until: never, ...options })) waves.push(wave);
    return { waves, calls };
  }

  it('has no wave without candidates, or when the time is up before it starts', async () => {
    assert.deepEqual((await wavesOf(TEXT, [])).waves, []);
    assert.deepEqual((await wavesOf(TEXT, images, { until: () => true })).calls, []);
  });

  it('reads a few first, then more at a time, each candidate once and in order', async () => {
    const { waves, calls } = await wavesOf(TEXT, images);
    assert.deepEqual(calls, [8, PICTURES - 8]);
    assert.deepEqual(
      waves.flat().map(({ id }) => id),
      images.map(({ id }) => id),
    );
    const { modelInput } = await small.engine.inference.prepare(readSample()[3].file);
    const many = await wavesOf({ image: modelInput }, captions);
    assert.ok(captions.length > 100);
    assert.deepEqual(many.calls, [8, 24, 32, 32, captions.length - 96]);
    assert.deepEqual(
      many.waves.flat().map(({ id }) => id),
      captions.map(({ id }) => id),
    );
  });

  it('stops before the next wave when the time is up', async () => {
    let waves = 0;
    const { calls } = await wavesOf(TEXT, images, { until: () => waves++ === 1 });
    assert.deepEqual(calls, [8]);
  });

  it('adds a score and its probability, and nothing else', async () => {
    const { waves } = await wavesOf(TEXT, images.slice(0, 3));
    waves.flat().forEach((candidate, i) => {
      const { matchScore, matchProbability } = candidate;
      assert.ok(Number.isFinite(matchScore) && matchProbability! > 0 && matchProbability! < 1);
      assert.deepEqual({ ...candidate, matchScore: null, matchProbability: null }, images[i]);
      assert.equal(images[i].matchScore, null);
    });
  });

  it('gives captions the scores of their own text', async () => {
    const { modelInput } = await small.engine.inference.prepare(readSample()[13].file);
    const some = captions.filter((_, i) => i % 20 === 0);
    const { waves } = await wavesOf({ image: modelInput }, some);
    for (const candidate of waves.flat()) {
      assert.ok(candidate.target === 'captions');
      const [score] = await small.engine.inference.matchScores([{ text: candidate.caption.text, image: modelInput }]);
      assert.ok(Math.abs(score - candidate.matchScore!) < 1e-4);
    }
  });

  it('goes on when all pictures of a wave are gone', async () => {
    const gone = images.map((candidate, i) =>
      i < 8
        ? { ...candidate, image: { ...candidate.image, imageId: 100_000 + i, location: { file: 'nowhere.jpg' } } }
        : candidate,
    );
    const { waves } = await wavesOf(TEXT, gone);
    assert.deepEqual(
      waves.map((wave) => wave.length),
      [0, PICTURES - 8],
    );
  });

  it('passes over a picture that is not in the cache and another by now, and does not put that there', async () => {
    const [first, second, ...rest] = images.slice(0, 8);
    const { imageId, location } = second.image;
    // What lies where the first one lay is now the second.
    const changed = { ...first, image: { ...first.image, imageId: 100_000, location } };
    const { waves } = await wavesOf(TEXT, [changed, second, ...rest]);
    assert.deepEqual(
      waves.flat().map(({ id }) => id),
      [second, ...rest].map(({ id }) => id),
    );
    assert.deepEqual(await small.engine.store.getModelInputs([100_000]), [null]);
    assert.ok((await small.engine.store.getModelInputs([imageId]))[0]);
  });

  it('says so when the caller went away, or the model fails', async () => {
    const { store, inference } = small.engine;
    const run = async (options: { signal?: AbortSignal }, query: Query) => {
      await rerank({ store, inference }, query, images, { until: never, ...options }).next();
    };
    await assert.rejects(run({ signal: AbortSignal.abort() }, TEXT), { code: 'CANCELLED' });
    await assert.rejects(run({}, { text: ' ' }), { code: 'EMPTY_TEXT' });
  });
});
