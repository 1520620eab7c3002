import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openEngine } from '../../src/engine.js';
import {
  search,
  SEARCH_DEFAULTS,
  type CandidateSource,
  type CaptionHit,
  type ImageHit,
  type SearchOptions,
  type SearchQuery,
} from '../../src/search.js';
import { counting, PICTURES, readSample, sampleCollection } from './sample.js';
import { filesOf, SHEEP, QUERY, stagesOf, updatesOf } from './updates.js';

describe('search', function () {
  this.timeout(60_000);
  const small = sampleCollection();
  const sample = readSample();

  describe('refuses', () => {
    const invalid: Record<string, SearchOptions> = {
      'k of 0': { k: 0 },
      'a negative k': { k: -1 },
      'half a hit': { k: 2.5 },
      'a k that is not a number': { k: NaN },
      'a k written in words': { k: '5' as never },
      'more hits than the limit': { k: 1001 },
      'no candidates': { candidates: 0 },
      'more candidates than the limit': { candidates: 1001 },
      'endless candidates': { candidates: Infinity },
      'a negative number of pairs': { rerank: { pairs: -1 } },
      'half a pair': { rerank: { pairs: 0.5 } },
      'a number of pairs that is not one': { rerank: { pairs: NaN } },
      'negative milliseconds': { rerank: { milliseconds: -1 } },
      'milliseconds that are not a number': { rerank: { milliseconds: NaN } },
    };
    for (const [name, options] of Object.entries(invalid)) {
      it(`${name}, at once`, () => {
        assert.throws(() => small.engine.search({ ...QUERY, ...options }), {
          code: 'INVALID_ARGUMENT',
          message: /^(k|candidates|rerank\.\w+) should be a (whole )?number .+, not \S+\.$/,
        });
      });
    }

    it('a text without words', async () => {
      await assert.rejects(small.engine.search({ text: '  ' }).final(), { code: 'EMPTY_TEXT' });
    });

    it('what is not an image', async () => {
      const nowhere = path.join(small.folder.path, 'nowhere.png');
      await assert.rejects(small.engine.search({ image: nowhere }).final(), { code: 'FILE_NOT_FOUND' });
      await assert.rejects(small.engine.search({ image: Buffer.from('not a picture') }).final(), {
        code: 'IMAGE_UNREADABLE',
      });
    });
  });

  it('finds nothing in an empty collection', async () => {
    const empty = await openEngine({ collection: 'empty', data: path.join(small.folder.path, 'data'), create: true });
    const updates = await updatesOf(empty.search(QUERY));
    assert.deepEqual(stagesOf(updates), ['nearest', 'final']);
    assert.deepEqual(updates[1].hits, []);
    assert.deepEqual([updates[1].spent.pairs, updates[1].spent.cutShort], [0, false]);
    await empty.close();
  });

  describe('for images by text', () => {
    it('gives candidates at once, then each wave, then the end', async () => {
      const updates = await updatesOf(small.engine.search(QUERY));
      assert.deepEqual(stagesOf(updates), ['nearest', 'wave', 'wave', 'final']);
      assert.ok(updates.every(({ target, hits, notes }) => target === 'images' && hits.length === 10 && !notes.length));
      assert.deepEqual(
        updates.map(({ spent }) => spent.pairs),
        [0, 8, PICTURES, PICTURES],
      );
      const [nearest, wave, , final] = updates;
      assert.ok(nearest.hits.every(({ matchScore, sources }) => matchScore === null && sources.includes('nearest')));
      assert.ok(updates.every(({ candidates }) => candidates === PICTURES));
      assert.equal(wave.hits.filter(({ matchScore }) => matchScore !== null).length, 8);
      assert.ok(final.hits.every(({ matchScore }) => matchScore !== null));
      assert.equal(final.spent.cutShort, false);
      const { embedMilliseconds, nearestMilliseconds, captionsMilliseconds, rerankMilliseconds } = final.spent;
      assert.ok(
        embedMilliseconds > 0 && nearestMilliseconds >= 0 && captionsMilliseconds >= 0 && rerankMilliseconds > 0,
      );
      assert.equal(nearest.spent.rerankMilliseconds, 0);
    });

    it('gives nearest order where only the nearest are asked for', async () => {
      const query = { ...QUERY, sources: ['nearest' as const], rerank: { pairs: 0 } };
      const { hits } = await small.engine.search(query).final();
      const similarities = hits.map(({ similarity }) => similarity!);
      assert.deepEqual(
        similarities,
        [...similarities].sort((a, b) => b - a),
      );
      assert.ok(hits.every(({ sources }) => sources.join() === 'nearest'));
    });

    it('reranks what the words of captions alone propose, with its similarity', async () => {
      const query = { text: 'four blue sheep' };
      const { hits, candidates, spent } = await small.engine.search({ ...query, sources: ['captions'] }).final();
      assert.equal(hits[0].file, SHEEP);
      assert.ok(hits.every((hit) => 'captions' in hit && /four|blue|sheep/.test(hit.captions.join())));
      assert.ok(hits.every(({ sources }) => sources.join() === 'captions'));
      assert.deepEqual([spent.pairs, hits.length], [candidates, Math.min(candidates, 10)]);
      const { hits: nearest } = await small.engine.search({ ...query, k: PICTURES, sources: ['nearest'] }).final();
      for (const { file, similarity, matchProbability } of hits) {
        const same = nearest.find((hit) => hit.file === file)!;
        assert.ok(Math.abs(similarity! - same.similarity!) < 1e-5);
        assert.ok(Math.abs(matchProbability! - same.matchProbability!) < 1e-4);
      }
    });

    it('finds with both what either has best', async () => {
      const query = { text: 'shrimp', rerank: { pairs: 0 } };
      const { hits } = await small.engine.search(query).final();
      const best = async (source: CandidateSource) =>
        (await small.engine.search({ ...query, sources: [source], k: 1 }).final()).hits[0].file;
      assert.equal(await best('captions'), 'scene-000000.jpg');
      const first = filesOf(hits.slice(0, 2));
      assert.ok(first.includes(await best('nearest')) && first.includes('scene-000000.jpg'), first.join());
    });

    it('is answered though captions cannot be searched', async () => {
      const { store, inference } = small.engine;
      const broken = { ...store, captionMatches: () => Promise.reject(new Error('no words')) };
      const update = await search({ store: broken, inference }, QUERY).final();
      assert.deepEqual(update.notes, ['Captions were not searched: no words.']);
      assert.deepEqual(
        filesOf(update.hits),
        filesOf((await small.engine.search({ ...QUERY, sources: ['nearest'] }).final()).hits),
      );
    });

    it('gives the pictures as they are in the catalog', async () => {
      const { hits } = await small.engine.search(QUERY).final();
      const [first] = hits as ImageHit[];
      assert.equal(first.file, SHEEP);
      assert.deepEqual(first.captions, sample[21].captions);
      const [stored] = await small.engine.store.getImages([first.imageId]);
      assert.equal(stored.file, SHEEP);
    });

    it('orders the reranked by the chance that they match, which both stages count in', async () => {
      const { hits } = await small.engine.search({ ...QUERY, k: PICTURES }).final();
      const { calibration } = small.engine.inference.info;
      const probabilities = hits.map(({ matchProbability }) => matchProbability!);
      assert.deepEqual(
        probabilities,
        [...probabilities].sort((a, b) => b - a),
      );
      for (const { matchScore, similarity, matchProbability } of hits) {
        const logit = calibration!.matchScore * matchScore! + calibration!.similarity * similarity! + calibration!.bias;
        assert.ok(Math.abs(matchProbability! - 1 / (1 + Math.exp(-logit))) < 1e-12);
      }
      assert.ok(probabilities[0] > 0.5 && probabilities.at(-1)! < 0.01);
    });

    it('orders them by matchScore where the model is not calibrated', async () => {
      const { store, inference } = small.engine;
      const info = { ...inference.info, calibration: null };
      const query = { ...QUERY, k: PICTURES };
      const { hits } = await search({ store, inference: { ...inference, info } }, query).final();
      const scores = hits.map(({ matchScore }) => matchScore!);
      assert.deepEqual(
        scores,
        [...scores].sort((a, b) => b - a),
      );
      assert.ok(hits.every(({ matchProbability }) => matchProbability === null));
      assert.notDeepEqual(filesOf(hits), filesOf((await small.engine.search(query).final()).hits));
    });

    it('scores as the model does outside a search', async () => {
      const { hits } = await small.engine.search({ ...QUERY, k: 3 }).final();
      for (const { file, matchScore } of hits) {
        const { modelInput } = await small.engine.inference.prepare(path.join(small.folder.path, 'source', file));
        const [score] = await small.engine.inference.matchScores([{ ...QUERY, image: modelInput }]);
        assert.ok(Math.abs(score - matchScore!) < 1e-4);
      }
    });

    it('finds each picture by a caption of its own', async () => {
      const first: number[] = [];
      for (let i = 0; i < PICTURES; i++) {
        const { hits } = await small.engine.search({ text: sample[i].captions[0], k: 1, candidates: 8 }).final();
        if (hits[0].file === path.basename(sample[i].file)) first.push(i);
      }
      assert.ok(first.length >= PICTURES - 1, `found ${first.join(', ')}`);
    });
  });

  describe('for captions by an image', () => {
    it('reads each candidate with the image, and gives captions with their images', async () => {
      for (const image of [sample[3].file, readFileSync(sample[3].file)]) {
        const updates = await updatesOf(small.engine.search({ image, k: 5 }));
        assert.deepEqual(stagesOf(updates), ['nearest', 'wave', 'wave', 'final']);
        assert.deepEqual(
          updates.map(({ target, spent }) => `${target} ${spent.pairs}`),
          ['captions 0', 'captions 8', 'captions 32', 'captions 32'],
        );
        const hits = updates.at(-1)!.hits as CaptionHit[];
        assert.equal(hits.length, 5);
        for (const { caption, captionId, file, imageId, matchScore } of hits) {
          assert.equal(file, 'scene-000003.jpg');
          assert.ok(sample[3].captions.includes(caption));
          assert.notEqual(matchScore, null);
          const [stored] = await small.engine.store.getCaptions([captionId]);
          assert.deepEqual(stored, { captionId, text: caption, imageId });
        }
        assert.equal(new Set(hits.map(({ captionId }) => captionId)).size, 5);
      }
    });
  });

  describe('for images by an image', () => {
    it('stops at the nearest, the joint model reading no two images', async () => {
      const { store } = small.engine;
      const { inference, calls } = counting(small.engine.inference);
      const query: SearchQuery = { image: sample[7].file, target: 'images', k: 4 };
      const updates = await updatesOf(search({ store, inference }, query));
      assert.deepEqual(stagesOf(updates), ['nearest', 'final']);
      const [itself, ...others] = updates[1].hits;
      assert.equal(itself.file, 'scene-000007.jpg');
      assert.ok(Math.abs(itself.similarity! - 1) < 1e-5);
      assert.ok(others.every(({ similarity, matchScore }) => similarity! < 0.999 && matchScore === null));
      assert.deepEqual([updates[1].spent.pairs, updates[1].spent.cutShort, calls.length], [0, false, 0]);
    });
  });

  describe('with k', () => {
    it('larger than the collection gives all of it, each once', async () => {
      for (const k of [PICTURES, 1000]) {
        const { hits } = await small.engine.search({ ...QUERY, k }).final();
        assert.equal(new Set(filesOf(hits)).size, PICTURES);
        assert.equal(hits.length, PICTURES);
      }
    });

    it('smaller than the candidates gives the best of them', async () => {
      const all = await small.engine.search({ ...QUERY, k: PICTURES }).final();
      const few = await small.engine.search({ ...QUERY, k: 3 }).final();
      assert.deepEqual(filesOf(few.hits), filesOf(all.hits).slice(0, 3));
      assert.equal(few.spent.pairs, PICTURES);
    });

    it('larger than the candidates puts those first, and the rest in nearest order', async () => {
      const [nearest, ...later] = await updatesOf(small.engine.search({ ...QUERY, k: PICTURES, candidates: 4 }));
      const { hits, spent } = later.at(-1)!;
      assert.deepEqual([spent.pairs, spent.cutShort], [4, false]);
      assert.ok(hits.slice(0, 4).every(({ matchScore }) => matchScore !== null));
      assert.ok(hits.slice(4).every(({ matchScore, matchProbability }) => (matchScore ?? matchProbability) === null));
      assert.deepEqual(filesOf(hits.slice(4)), filesOf(nearest.hits.slice(4)));
    });

    it('has ten and thirty-two candidates when it is not said', () => {
      assert.deepEqual([SEARCH_DEFAULTS.k, SEARCH_DEFAULTS.candidates], [10, 32]);
    });
  });
});
