import assert from 'node:assert/strict';
import { PatchwordError } from '../../src/errors.js';
import { hydrate, type Candidate } from '../../src/hit.js';
import type { Inference } from '../../src/inference/inference.js';
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
    const [{ embedding }] = await inference.embedTexts(['there are four blue sheep in the hills']);
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

  const TEXT: Query = { text: 'there are four blue sheep in the hills' };
  const left = () => Infinity;

  async function wavesOf(query: Query, candidates: Candidate[], options: { left?: () => number } = {}) {
    const { inference, calls } = counting(small.engine.inference);
    const waves: Candidate[][] = [];
    const tried: number[] = [];
    const context = { store: small.engine.store, inference };
    for await (const wave of rerank(context, query, candidates, { left, ...options })) {
      waves.push(wave.scored);
      tried.push(wave.tried);
    }
    return { waves, tried, calls };
  }

  it('has no wave without candidates, or when the time is up before it starts', async () => {
    assert.deepEqual((await wavesOf(TEXT, [])).waves, []);
    assert.deepEqual((await wavesOf(TEXT, images, { left: () => 0 })).calls, []);
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
    const times = [1000, 0];
    const { calls, tried } = await wavesOf(TEXT, images, { left: () => times.shift()! });
    assert.deepEqual([calls, tried], [[8], [8]]);
  });

  it('makes the next wave no larger than the time that is left, at the pace so far', async () => {
    const PAIR = 10; // ms
    const { store, inference } = small.engine;
    const sizes: number[] = [];
    const slow: Inference = {
      ...inference,
      async matchScores(pairs) {
        sizes.push(pairs.length);
        await new Promise((resolve) => setTimeout(resolve, PAIR * pairs.length));
        return new Float32Array(pairs.length);
      },
    };
    const times = [Infinity, 4.5 * PAIR, 0.5 * PAIR];
    const waves = rerank({ store, inference: slow }, TEXT, images, { left: () => times.shift() ?? 0 });
    for await (const { scored } of waves) assert.ok(scored.length > 0);
    assert.equal(sizes[0], 8);
    assert.ok((sizes[1] ?? 0) <= 4 && sizes.length <= 2, sizes.join());
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
    const { waves, tried } = await wavesOf(TEXT, gone);
    assert.deepEqual(
      waves.map((wave) => wave.length),
      [0, PICTURES - 8],
    );
    assert.deepEqual(tried, [8, PICTURES]);
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
      await rerank({ store, inference }, query, images, { left, ...options }).next();
    };
    await assert.rejects(run({ signal: AbortSignal.abort() }, TEXT), { code: 'CANCELLED' });
    await assert.rejects(run({}, { text: ' ' }), { code: 'EMPTY_TEXT' });
  });

  it('does not take a failure of all pictures for pictures that are gone', async () => {
    const { store, inference } = small.engine;
    const uncached = images.map((candidate) => ({ ...candidate, image: { ...candidate.image, imageId: 100_000 } }));
    const dead: Inference = {
      ...inference,
      prepare: () => Promise.reject(new PatchwordError('INTERNAL', 'The worker has died.')),
    };
    await assert.rejects(rerank({ store, inference: dead }, TEXT, uncached, { left }).next(), { code: 'INTERNAL' });
  });
});
