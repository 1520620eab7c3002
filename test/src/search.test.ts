import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openEngine, type Engine } from '../../src/engine.js';
import {
  search,
  SEARCH_DEFAULTS,
  type CandidateSource,
  type CaptionHit,
  type Hit,
  type ImageHit,
  type Search,
  type SearchOptions,
  type SearchQuery,
  type SearchUpdate,
} from '../../src/search.js';
import type { Measurement } from '../../src/vilt/calibration.js';
import { openStore } from '../../src/store/sqlite/store.js';
import { temporaryFolder } from '../fixture.js';
import { counting, indexSample, PICTURES, readSample } from './sample.js';

const QUERY = { text: 'three yellow foxes at night' };
/** Of the picture that the query describes. */
const FOXES = 'scene-000013.jpg';

describe('search', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const sample = readSample();
  let engine: Engine;

  before(async () => void (engine = await indexSample(folder.path)));
  after(() => engine?.close());

  async function updatesOf(search: Search): Promise<SearchUpdate[]> {
    const updates: SearchUpdate[] = [];
    for await (const update of search) updates.push(update);
    return updates;
  }
  const stagesOf = (updates: SearchUpdate[]) => updates.map(({ stage }) => stage);
  const filesOf = (hits: Hit[]) => hits.map(({ file }) => file);
  /** Two runs of one search differ in times, and in the last digits of scores where another batch was read. */
  function assertAlike(actual: SearchUpdate, expected: SearchUpdate): void {
    const plain = ({ stage, target, hits, notes, spent: { pairs, cutShort } }: SearchUpdate) => {
      return { stage, target, notes, pairs, cutShort, files: filesOf(hits) };
    };
    assert.deepEqual(plain(actual), plain(expected));
    actual.hits.forEach(({ similarity, matchScore }, i) => {
      assert.equal(matchScore === null, expected.hits[i].matchScore === null);
      assert.ok(Math.abs((matchScore ?? 0) - (expected.hits[i].matchScore ?? 0)) < 1e-4);
      assert.ok(Math.abs(similarity! - expected.hits[i].similarity!) < 1e-5);
    });
  }

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
        assert.throws(() => engine.search({ ...QUERY, ...options }), {
          code: 'INVALID_ARGUMENT',
          message: /^(k|candidates|rerank\.\w+) should be a (whole )?number .+, not \S+\.$/,
        });
      });
    }

    it('a text without words', async () => {
      await assert.rejects(engine.search({ text: '  ' }).final(), { code: 'EMPTY_TEXT' });
    });

    it('what is not an image', async () => {
      const nowhere = path.join(folder.path, 'nowhere.png');
      await assert.rejects(engine.search({ image: nowhere }).final(), { code: 'FILE_NOT_FOUND' });
      await assert.rejects(engine.search({ image: Buffer.from('not a picture') }).final(), {
        code: 'IMAGE_UNREADABLE',
      });
    });
  });

  it('finds nothing in an empty collection', async () => {
    const empty = await openEngine({ collection: 'empty', data: path.join(folder.path, 'data'), create: true });
    const updates = await updatesOf(empty.search(QUERY));
    assert.deepEqual(stagesOf(updates), ['nearest', 'final']);
    assert.deepEqual(updates[1].hits, []);
    assert.deepEqual([updates[1].spent.pairs, updates[1].spent.cutShort], [0, false]);
    await empty.close();
  });

  describe('for images by text', () => {
    it('gives candidates at once, then each wave, then the end', async () => {
      const updates = await updatesOf(engine.search(QUERY));
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
      const { hits } = await engine.search(query).final();
      const similarities = hits.map(({ similarity }) => similarity!);
      assert.deepEqual(
        similarities,
        [...similarities].sort((a, b) => b - a),
      );
      assert.ok(hits.every(({ sources }) => sources.join() === 'nearest'));
    });

    it('reranks what the words of captions alone propose, with its similarity', async () => {
      const { hits, candidates, spent } = await engine.search({ ...QUERY, sources: ['captions'] }).final();
      assert.equal(hits[0].file, FOXES);
      assert.ok(hits.every((hit) => 'captions' in hit && /three|yellow|fox|night/.test(hit.captions.join())));
      assert.ok(hits.every(({ sources }) => sources.join() === 'captions'));
      assert.deepEqual([spent.pairs, hits.length], [candidates, Math.min(candidates, 10)]);
      const { hits: nearest } = await engine.search({ ...QUERY, k: PICTURES, sources: ['nearest'] }).final();
      for (const { file, similarity, matchProbability } of hits) {
        const same = nearest.find((hit) => hit.file === file)!;
        assert.ok(Math.abs(similarity! - same.similarity!) < 1e-5);
        assert.ok(Math.abs(matchProbability! - same.matchProbability!) < 1e-4);
      }
    });

    it('finds with both what either has best', async () => {
      const query = { text: 'headphones', rerank: { pairs: 0 } };
      const { hits } = await engine.search(query).final();
      const best = async (source: CandidateSource) =>
        (await engine.search({ ...query, sources: [source], k: 1 }).final()).hits[0].file;
      assert.equal(await best('captions'), 'scene-000000.jpg');
      const first = filesOf(hits.slice(0, 2));
      assert.ok(first.includes(await best('nearest')) && first.includes('scene-000000.jpg'), first.join());
    });

    it('is answered though captions cannot be searched', async () => {
      const { store, inference } = engine;
      const broken = { ...store, captionMatches: () => Promise.reject(new Error('no words')) };
      const update = await search({ store: broken, inference }, QUERY).final();
      assert.deepEqual(update.notes, ['Captions were not searched: no words.']);
      assert.deepEqual(
        filesOf(update.hits),
        filesOf((await engine.search({ ...QUERY, sources: ['nearest'] }).final()).hits),
      );
    });

    it('gives the pictures as they are in the catalog', async () => {
      const { hits } = await engine.search(QUERY).final();
      const [first] = hits as ImageHit[];
      assert.equal(first.file, FOXES);
      assert.deepEqual(first.captions, sample[13].captions);
      const [stored] = await engine.store.getImages([first.imageId]);
      assert.equal(stored.file, FOXES);
    });

    it('orders the reranked by the chance that they match, which both stages count in', async () => {
      const { hits } = await engine.search({ ...QUERY, k: PICTURES }).final();
      const { calibration } = engine.inference.info;
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
      const { store, inference } = engine;
      const info = { ...inference.info, calibration: null };
      const query = { ...QUERY, k: PICTURES };
      const { hits } = await search({ store, inference: { ...inference, info } }, query).final();
      const scores = hits.map(({ matchScore }) => matchScore!);
      assert.deepEqual(
        scores,
        [...scores].sort((a, b) => b - a),
      );
      assert.ok(hits.every(({ matchProbability }) => matchProbability === null));
      assert.notDeepEqual(filesOf(hits), filesOf((await engine.search(query).final()).hits));
    });

    it('scores as the model does outside a search', async () => {
      const { hits } = await engine.search({ ...QUERY, k: 3 }).final();
      for (const { file, matchScore } of hits) {
        const { modelInput } = await engine.inference.prepare(path.join(folder.path, 'source', file));
        const [score] = await engine.inference.matchScores([{ ...QUERY, image: modelInput }]);
        assert.ok(Math.abs(score - matchScore!) < 1e-4);
      }
    });

    it('finds each picture by a caption of its own', async () => {
      const first: number[] = [];
      for (let i = 0; i < PICTURES; i++) {
        const { hits } = await engine.search({ text: sample[i].captions[0], k: 1, candidates: 8 }).final();
        if (hits[0].file === path.basename(sample[i].file)) first.push(i);
      }
      assert.ok(first.length >= PICTURES - 1, `found ${first.join(', ')}`);
    });

    it('says on every update which words the model does not know', async () => {
      const updates = await updatesOf(engine.search({ text: 'a fox and a Zyzzyva', k: 1 }));
      assert.ok(updates.length > 2);
      for (const { unknownWords, notes } of updates) {
        assert.deepEqual(unknownWords, ['Zyzzyva']);
        assert.deepEqual(notes, ['The model does not know "Zyzzyva".']);
      }
      const known = await engine.search({ text: 'a fox', k: 1 }).final();
      assert.deepEqual([known.unknownWords, known.notes], [[], []]);
      const byImage = await engine.search({ image: sample[0].file, k: 1 }).final();
      assert.deepEqual(byImage.unknownWords, []);
    });

    it('says at the end whether nothing matches, where the calibration has a threshold and every candidate was reranked', async () => {
      const { store, inference } = engine;
      const last = (threshold: number, query: SearchQuery) => {
        const measured = { nothingMatches: { threshold } } as Measurement;
        const info = { ...inference.info, calibration: { ...inference.info.calibration!, measured } };
        return updatesOf(search({ store, inference: { ...inference, info } }, query));
      };
      const updates = await last(1, { text: 'a fox', k: 1 });
      const found = updates.map(({ nothingMatches, notes }) => [nothingMatches, notes]);
      const note = 'No picture here seems to match; these come nearest.';
      assert.deepEqual(found, [...updates.slice(1).map(() => [null, []]), [true, [note]]]);
      const told = async (threshold: number, query: SearchQuery) => {
        const { nothingMatches, notes } = (await last(threshold, query)).at(-1)!;
        return [nothingMatches, notes];
      };
      assert.deepEqual(await told(0, { text: 'a fox', k: 1 }), [false, []]);
      assert.deepEqual(await told(1, { text: 'a fox', k: 1, rerank: { pairs: 4 } }), [null, []]);
      assert.deepEqual(await told(1, { image: sample[0].file, k: 1 }), [null, []]);
      assert.equal((await engine.search({ text: 'a fox', k: 1 }).final()).nothingMatches, null);
    });

    it('says on every update that a long text was cut', async () => {
      const updates = await updatesOf(engine.search({ text: 'three yellow foxes '.repeat(20), k: 1 }));
      for (const { notes } of updates) {
        assert.equal(notes.length, 1);
        assert.match(notes[0], /longer than the 40 tokens/);
      }
      assert.equal(updates.at(-1)!.hits[0].file, FOXES);
    });
  });

  describe('for captions by an image', () => {
    it('reads each candidate with the image, and gives captions with their images', async () => {
      for (const image of [sample[3].file, readFileSync(sample[3].file)]) {
        const updates = await updatesOf(engine.search({ image, k: 5 }));
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
          const [stored] = await engine.store.getCaptions([captionId]);
          assert.deepEqual(stored, { captionId, text: caption, imageId });
        }
        assert.equal(new Set(hits.map(({ captionId }) => captionId)).size, 5);
      }
    });
  });

  describe('for images by an image', () => {
    it('stops at the nearest, the joint model reading no two images', async () => {
      const { store } = engine;
      const { inference, calls } = counting(engine.inference);
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
        const { hits } = await engine.search({ ...QUERY, k }).final();
        assert.equal(new Set(filesOf(hits)).size, PICTURES);
        assert.equal(hits.length, PICTURES);
      }
    });

    it('smaller than the candidates gives the best of them', async () => {
      const all = await engine.search({ ...QUERY, k: PICTURES }).final();
      const few = await engine.search({ ...QUERY, k: 3 }).final();
      assert.deepEqual(filesOf(few.hits), filesOf(all.hits).slice(0, 3));
      assert.equal(few.spent.pairs, PICTURES);
    });

    it('larger than the candidates puts those first, and the rest in nearest order', async () => {
      const [nearest, ...later] = await updatesOf(engine.search({ ...QUERY, k: PICTURES, candidates: 4 }));
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

  describe('with a budget', () => {
    it('of no pairs stops at the nearest', async () => {
      const { store } = engine;
      const { inference, calls } = counting(engine.inference);
      const updates = await updatesOf(search({ store, inference }, { ...QUERY, rerank: { pairs: 0 } }));
      assert.deepEqual(stagesOf(updates), ['nearest', 'final']);
      assert.deepEqual(updates[1].hits, updates[0].hits);
      assert.deepEqual([updates[1].spent.pairs, calls.length], [0, 0]);
    });

    it('of five pairs reranks the five nearest and leaves the rest as they were', async () => {
      const query = { ...QUERY, k: PICTURES, rerank: { pairs: 5 } };
      const updates = await updatesOf(engine.search(query));
      assert.deepEqual(stagesOf(updates), ['nearest', 'wave', 'final']);
      const [nearest, , final] = updates;
      assert.deepEqual(filesOf(final.hits.slice(0, 5)).sort(), filesOf(nearest.hits.slice(0, 5)).sort());
      assert.ok(final.hits.slice(0, 5).every(({ matchScore }) => matchScore !== null));
      assert.deepEqual(final.hits.slice(5), nearest.hits.slice(5));
      assert.deepEqual([final.spent.pairs, final.spent.cutShort], [5, true]);
    });

    it('of more pairs than there are candidates is not cut short', async () => {
      const { spent } = await engine.search({ ...QUERY, rerank: { pairs: 1000 } }).final();
      assert.deepEqual([spent.pairs, spent.cutShort], [PICTURES, false]);
    });

    it('of no time stops at the nearest and says so', async () => {
      const updates = await updatesOf(engine.search({ ...QUERY, rerank: { milliseconds: 0 } }));
      assert.deepEqual(stagesOf(updates), ['nearest', 'final']);
      assert.deepEqual([updates[1].spent.pairs, updates[1].spent.cutShort], [0, true]);
    });

    it('of little time ends with the wave under way', async () => {
      const { spent } = await engine.search({ ...QUERY, rerank: { milliseconds: 1 } }).final();
      assert.ok(spent.pairs <= 8 && spent.cutShort);
    });

    it('of much time is not cut short', async () => {
      const { spent } = await engine.search({ ...QUERY, rerank: { milliseconds: 60_000 } }).final();
      assert.deepEqual([spent.pairs, spent.cutShort], [PICTURES, false]);
    });
  });

  describe('as a sequence', () => {
    it('runs nothing until it is iterated or awaited', async () => {
      const { inference, calls } = counting(engine.inference);
      search({ store: engine.store, inference }, QUERY);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual(calls, []);
    });

    it('ends with what final() gives', async () => {
      const query = engine.search({ ...QUERY, k: 5 });
      const updates = await updatesOf(query);
      assertAlike(await query.final(), updates.at(-1)!);
    });

    it('may be iterated twice', async () => {
      const query = engine.search({ ...QUERY, k: 5 });
      const first = await updatesOf(query);
      const second = await updatesOf(query);
      assert.equal(second.length, first.length);
      second.forEach((update, i) => assertAlike(update, first[i]));
    });

    it('is the same beside others', async () => {
      const texts = [QUERY.text, 'a fox in the snow', 'two rats on a table'];
      const alone: SearchUpdate[] = [];
      for (const text of texts) alone.push(await engine.search({ text }).final());
      const together = await Promise.all(texts.map((text) => engine.search({ text }).final()));
      together.forEach((update, i) => assertAlike(update, alone[i]));
    });

    it('keeps each update as it was when later ones come', async () => {
      const kept: string[] = [];
      const updates: SearchUpdate[] = [];
      for await (const update of engine.search(QUERY)) {
        kept.push(JSON.stringify(update));
        updates.push(update);
      }
      assert.deepEqual(
        updates.map((update) => JSON.stringify(update)),
        kept,
      );
    });
  });

  describe('that is left', () => {
    it('after the nearest never reaches the joint model', async () => {
      const { inference, calls } = counting(engine.inference);
      for await (const { stage } of search({ store: engine.store, inference }, QUERY)) {
        assert.equal(stage, 'nearest');
        break;
      }
      assert.deepEqual(calls, []);
      assert.equal((await engine.search(QUERY).final()).hits[0].file, FOXES);
    });

    it('after a wave runs no other', async () => {
      const { inference, calls } = counting(engine.inference);
      for await (const { stage } of search({ store: engine.store, inference }, QUERY)) if (stage === 'wave') break;
      assert.deepEqual(calls, [8]);
      assert.equal((await engine.search(QUERY).final()).hits[0].file, FOXES);
    });

    it('in the middle of a wave is cancelled', async () => {
      const updates = engine.search(QUERY)[Symbol.asyncIterator]();
      await updates.next();
      const wave = updates.next();
      const left = updates.return!();
      await assert.rejects(wave, { code: 'CANCELLED' });
      assert.equal((await left).done, true);
      assert.equal((await updates.next()).done, true);
    });

    it('by a loop that throws is cancelled too', async () => {
      const { inference, calls } = counting(engine.inference);
      const loop = async () => {
        for await (const { stage } of search({ store: engine.store, inference }, QUERY)) throw new RangeError(stage);
      };
      await assert.rejects(loop, { name: 'RangeError', message: 'nearest' });
      assert.deepEqual(calls, []);
    });
  });

  describe('whose signal aborts', () => {
    const cancelled = { code: 'CANCELLED' };

    it('before it begins, does nothing', async () => {
      const { inference, calls } = counting(engine.inference);
      for (const query of [QUERY, { image: sample[3].file }, { image: sample[3].file, target: 'images' as const }]) {
        const signal = AbortSignal.abort();
        await assert.rejects(search({ store: engine.store, inference }, { ...query, signal }).final(), cancelled);
      }
      assert.deepEqual(calls, []);
    });

    it('between updates, ends', async () => {
      const left = new AbortController();
      const stages: string[] = [];
      const loop = async () => {
        for await (const { stage } of engine.search({ ...QUERY, signal: left.signal })) {
          stages.push(stage);
          if (stage === 'wave') left.abort();
        }
      };
      await assert.rejects(loop, cancelled);
      assert.deepEqual(stages, ['nearest', 'wave']);
    });

    it('while it waits, rejects', async () => {
      const left = new AbortController();
      const final = engine.search({ ...QUERY, signal: left.signal }).final();
      left.abort();
      await assert.rejects(final, cancelled);
      assert.equal((await engine.search(QUERY).final()).hits[0].file, FOXES);
    });
  });

  describe('without the cache of model inputs', () => {
    const pictures = () => path.join(folder.path, 'source');
    const without = path.join('collections', 'small', 'inputs.sqlite');

    /** The same collection, its pictures where they were, with nothing in the cache. */
    async function openEmptied() {
      const data = path.join(folder.path, 'emptied');
      rmSync(data, { recursive: true, force: true });
      await engine.store.flush();
      cpSync(path.join(folder.path, 'data'), data, { recursive: true });
      for (const suffix of ['', '-wal', '-shm']) rmSync(path.join(data, `${without}${suffix}`), { force: true });
      return openStore({ data, name: 'small' });
    }

    it('reads the originals, and keeps what it read', async () => {
      const store = await openEmptied();
      const expected = await engine.search(QUERY).final();
      assert.deepEqual(await store.getModelInputs([1, 14]), [null, null]);
      assertAlike(await search({ store, inference: engine.inference }, QUERY).final(), expected);
      assert.ok((await store.getModelInputs([1, 14])).every((input) => input !== null));
      await store.close();
    });

    it('passes over originals that are gone or damaged, and keeps them as candidates', async () => {
      const store = await openEmptied();
      const [gone, damaged] = [FOXES, 'scene-000015.jpg'].map((name) => path.join(pictures(), name));
      const originals = [gone, damaged].map((file) => readFileSync(file));
      rmSync(gone);
      writeFileSync(damaged, originals[1].subarray(0, 500));
      try {
        const query = { ...QUERY, k: PICTURES };
        const { hits, spent } = await search({ store, inference: engine.inference }, query).final();
        assert.equal(hits.length, PICTURES);
        assert.deepEqual([spent.pairs, spent.cutShort], [PICTURES - 2, false]);
        const passedOver = hits.filter(({ matchScore }) => matchScore === null);
        assert.deepEqual(passedOver, hits.slice(-2));
        assert.deepEqual(filesOf(passedOver), [FOXES, 'scene-000015.jpg']);
      } finally {
        [gone, damaged].forEach((file, i) => writeFileSync(file, originals[i]));
        await store.close();
      }
    });

    it('needs no original of a picture that is in the cache', async () => {
      const original = path.join(pictures(), FOXES);
      const bytes = readFileSync(original);
      rmSync(original);
      try {
        const { hits } = await engine.search(QUERY).final();
        assert.equal(hits[0].file, FOXES);
        assert.notEqual(hits[0].matchScore, null);
      } finally {
        writeFileSync(original, bytes);
      }
    });
  });
});
