import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openPictures } from '../../../indexer/evaluation.js';
import { hashContent } from '../../../src/original.js';
import { evaluate, type EvaluationOptions } from '../../../src/evaluation/evaluation.js';
import { parseResult, type RetrievalResult } from '../../../src/evaluation/result.js';
import type { ListedImage } from '../../../src/evaluation/split.js';
import type { Inference } from '../../../src/inference/inference.js';
import { openInference } from '../../../src/inference/local.js';
import { bestRank, recallAt } from '../../../src/metrics.js';
import { BUNDLED_MODEL } from '../../../src/paths.js';
import { scorePair } from '../../../src/score.js';
import { BUILDER_VERSION } from '../../../src/vilt/graph/version.js';
import { fixture, temporaryFolder } from '../../fixture.js';
import { counting, readSample } from '../sample.js';
import { writeVariant } from '../vilt/variant.js';

const PICTURES = 6;
const CAPTIONS = 2;

describe('evaluate', () => {
  const temporary = temporaryFolder();
  const sample = readSample().slice(0, PICTURES);
  const root = path.dirname(sample[0].file);
  const listed: ListedImage[] = sample.map(({ file, captions }) => ({
    name: path.basename(file),
    location: { file: path.basename(file) },
    captions: captions.slice(0, CAPTIONS),
    contentHash: hashContent(readFileSync(file)),
  }));
  let model: Inference;
  before(async () => (model = await openInference({ model: BUNDLED_MODEL })));
  after(() => model?.close());

  const run = (options: Partial<EvaluationOptions> & { work: string }) => {
    const models = options.models ?? [model];
    return evaluate({
      models,
      dataset: { name: 'sample.json', path: '/sample.json', root, format: 'karpathy', split: 'test' },
      listed,
      missing: [],
      open: (split) => openPictures(models, root, split),
      ...options,
      work: path.join(temporary.path, options.work),
    });
  };
  const find = ({ rows }: RetrievalResult, direction: string, stage: string, order: string) =>
    rows.find((row) => row.direction === direction && row.stage === stage && row.order === order)!;

  describe('refuses', () => {
    it('pictures that cannot be read, all of them named, unless it is allowed', async () => {
      const missing = [{ file: sample[1].file, reason: 'it is gone.' }];
      const without = listed.map((image, i) => (i === 1 ? { ...image, contentHash: null } : image));
      await assert.rejects(run({ work: 'missing', listed: without, missing }), {
        code: 'FILE_NOT_FOUND',
        message: `1 of the split's pictures cannot be read: ${sample[1].file}; the first: it is gone.`,
        hint: /--images.*--allow-missing/,
      });
      const result = await run({ work: 'missing', listed: without, missing, allowMissing: true, candidates: [1] });
      assert.deepEqual(result.dataset.missing, missing);
      assert.equal(result.dataset.images, PICTURES - 1);
      assert.equal(find(result, 'image-to-text', 'prefilter', 'similarity').gallery, CAPTIONS * (PICTURES - 1));
    });

    it('pictures that cannot be decoded, as it does those that are gone', async () => {
      writeFileSync(path.join(temporary.path, 'broken.jpg'), 'not a picture');
      const broken: ListedImage = {
        name: 'broken.jpg',
        location: { file: path.relative(root, path.join(temporary.path, 'broken.jpg')) },
        captions: ['a fox'],
        contentHash: hashContent(Buffer.from('not a picture')),
      };
      const models = [model];
      const options = {
        work: 'broken',
        listed: [broken, ...listed],
        open: (split: Parameters<EvaluationOptions['open']>[0]) => openPictures(models, '/', split),
        candidates: [1],
      };
      const absolute = (image: ListedImage) => ({
        ...image,
        location: { file: path.relative('/', path.resolve(root, image.location.file)) },
      });
      options.listed = options.listed.map(absolute);
      await assert.rejects(run(options), { code: 'FILE_NOT_FOUND', message: /cannot be read: broken\.jpg; the first/ });
      const result = await run({ ...options, allowMissing: true });
      assert.deepEqual(
        result.dataset.missing.map(({ file }) => file),
        ['broken.jpg'],
      );
      assert.equal(result.dataset.images, PICTURES);
    });

    it('a split of which nothing can be decoded', async () => {
      writeFileSync(path.join(temporary.path, 'none.jpg'), 'no picture either');
      const none: ListedImage = {
        name: 'none.jpg',
        location: { file: 'none.jpg' },
        captions: ['a fox'],
        contentHash: hashContent(Buffer.from('no picture either')),
      };
      const open = (split: Parameters<EvaluationOptions['open']>[0]) => openPictures([model], temporary.path, split);
      await assert.rejects(run({ work: 'none', listed: [none], open, allowMissing: true }), {
        code: 'SOURCE_INVALID',
        message: /nothing to evaluate on/,
      });
    });

    it('a split without captions, or without pictures', async () => {
      const silent = listed.map((image) => ({ ...image, captions: [] }));
      for (const bare of [silent, []]) {
        await assert.rejects(run({ work: 'silent', listed: bare }), {
          code: 'SOURCE_INVALID',
          message: /split "test", has a caption/,
        });
      }
      const gone = listed.map((image) => ({ ...image, contentHash: null }));
      await assert.rejects(run({ work: 'gone', listed: gone, allowMissing: true }), {
        code: 'SOURCE_INVALID',
        message: /can be read, so there is nothing to evaluate on/,
        hint: /--images/,
      });
    });

    it('a model with neither a head nor embeddings', async () => {
      const bare = await openInference({ model: fixture('tiny-vilt-mlm') });
      await assert.rejects(run({ work: 'bare', models: [bare] }), { code: 'HEAD_MISSING' }).finally(() => bare.close());
    });
  });

  describe('of some pictures of the sample', () => {
    let result: RetrievalResult;
    let calls: number[];
    before(async () => {
      const counted = counting(model);
      calls = counted.calls;
      result = await run({ work: 'whole', models: [counted.inference], candidates: [1, 3], exhaustive: true });
    });
    const read = () => calls.reduce((sum, count) => sum + count, 0) - 1; // one to warm up

    it('gives what scoring each pair alone gives, in every stage', async () => {
      const texts = listed.flatMap(({ captions }, image) => captions.map((text) => ({ text, image })));
      const match: number[][] = [];
      const similarity: number[][] = [];
      for (const { text } of texts) {
        const pairs: Awaited<ReturnType<typeof scorePair>>[] = [];
        for (const { file } of sample) pairs.push(await scorePair(model, { text, image: file }));
        match.push(pairs.map((pair) => pair.matchScore!));
        similarity.push(pairs.map((pair) => pair.similarity!));
      }
      const ranksOf = (scores: number[][], direction: string) =>
        direction === 'text-to-image'
          ? texts.map(({ image }, text) => bestRank(scores[text], (item) => item === image))
          : listed.map((_, image) =>
              bestRank(
                scores.map((row) => row[image]),
                (item) => texts[item].image === image,
              ),
            );
      for (const direction of ['text-to-image', 'image-to-text']) {
        const prefilter = find(result, direction, 'prefilter', 'similarity');
        const exhaustive = find(result, direction, 'exhaustive', 'matchScore');
        assert.deepEqual(prefilter.ranks, ranksOf(similarity, direction));
        assert.deepEqual(exhaustive.ranks, ranksOf(match, direction));
        assert.equal(exhaustive['R@1'], recallAt(ranksOf(match, direction), 1));
      }
    });

    it('reads every pair once, for all rows', () => {
      assert.equal(result.cost.pairs, PICTURES * PICTURES * CAPTIONS);
      assert.equal(read(), result.cost.pairs);
      assert.equal(result.rows.length, 2 * (1 + 2 * 2 + 2));
    });

    it('is a result of its schema, in JSON and back', () => {
      assert.deepEqual(parseResult(JSON.stringify(result), 'it'), JSON.parse(JSON.stringify(result)));
      assert.equal(result.dataset.captions, PICTURES * CAPTIONS);
      assert.deepEqual(result.queries['text-to-image'].slice(0, 4), [0, 0, 1, 1]);
      assert.ok(result.cost.pairsPerSecond! > 0);
      assert.ok(find(result, 'text-to-image', 'two-stage', 'calibrated').cost.millisecondsAQuery > 0);
      const total = ({ matches, nonMatches }: RetrievalResult['histograms'][number]) =>
        [matches, nonMatches].map((bins) => bins.reduce((sum, count) => sum + count, 0));
      for (const histogram of result.histograms) {
        assert.deepEqual(total(histogram), [PICTURES * CAPTIONS, (PICTURES - 1) * PICTURES * CAPTIONS]);
      }
    });

    it('reads nothing anew when it is done again, and what else is asked for beside', async () => {
      const counted = counting(model);
      const options = { work: 'whole', models: [counted.inference], candidates: [1, 2, 3, 4], exhaustive: true };
      const again = await run(options);
      assert.deepEqual(counted.calls, []);
      assert.equal(again.cost.reused, again.cost.pairs);
      assert.deepEqual(
        find(again, 'image-to-text', 'exhaustive', 'calibrated').ranks,
        find(result, 'image-to-text', 'exhaustive', 'calibrated').ranks,
      );
      // The same weights behind another vocabulary, say, give other scores.
      const otherwise = counting({ ...model, info: { ...model.info, settings: 'other' } });
      assert.equal((await run({ ...options, models: [otherwise.inference] })).cost.reused, 0);
      const sampled = await run({ ...options, queries: 3, seed: 5 });
      assert.deepEqual(sampled.sample, {
        queries: 3,
        seed: 5,
        of: { 'text-to-image': PICTURES * CAPTIONS, 'image-to-text': PICTURES },
      });
      assert.equal(find(sampled, 'image-to-text', 'exhaustive', 'matchScore').queries, 3);
      assert.equal(find(sampled, 'image-to-text', 'exhaustive', 'matchScore').gallery, PICTURES * CAPTIONS);
      assert.deepEqual(counted.calls, []);
      const { cost } = await run({ ...options, candidates: [1], exhaustive: false });
      assert.ok(cost.pairs < again.cost.pairs);
      const share = cost.pairs / again.cost.pairs;
      assert.ok(Math.abs(cost.seconds - share * again.cost.seconds) < 1e-9, 'no cost of pairs that it has no use for');
    });

    it('computes again what a damaged shard held', async () => {
      const whole = path.join(temporary.path, 'whole'); // a folder for each model that was evaluated here
      const shards = readdirSync(whole, { recursive: true, encoding: 'utf8' }).filter((file) =>
        file.endsWith('.shard'),
      );
      for (const file of shards) writeFileSync(path.join(whole, file), 'PWSHARD1');
      const notes: string[] = [];
      const again = await run({
        work: 'whole',
        candidates: [1, 3],
        exhaustive: true,
        onNote: (line) => notes.push(line),
      });
      assert.ok(
        notes.length >= 3 && notes.every((line) => line.endsWith('is damaged; what it held is computed again.')),
      );
      assert.deepEqual(
        again.rows.map(({ ranks }) => ranks),
        result.rows.map(({ ranks }) => ranks),
      );
    });
  });

  it('keeps what was scored when it is interrupted, and goes on there', async () => {
    const interrupt = new AbortController();
    const first = counting(model);
    const matchScores: Inference['matchScores'] = async (pairs, options) => {
      const scores = await first.inference.matchScores(pairs, options);
      if (first.calls.length === 3) interrupt.abort();
      return scores;
    };
    const options = { work: 'interrupted', exhaustive: true, candidates: [1] };
    const interrupted = run({ ...options, models: [{ ...first.inference, matchScores }], signal: interrupt.signal });
    await assert.rejects(interrupted, {
      code: 'CANCELLED',
      message: /^Stopped after \d+ of 72 pairs; they are kept\.$/,
    });
    const kept = first.calls.reduce((sum, count) => sum + count, 0) - 1;
    assert.ok(kept > 0 && kept < 72, `${kept} of 72`);
    const second = counting(model);
    const result = await run({ ...options, models: [second.inference] });
    assert.equal(result.cost.reused, kept);
    assert.equal(second.calls.reduce((sum, count) => sum + count, 0) - 1, 72 - kept);
  });

  it('keeps scores of rounded weights apart by the version of their graphs, exact ones for good', async () => {
    const keptAs = async (inference: Inference, work: string) => {
      await run({ work, models: [inference], candidates: [1], listed: listed.slice(0, 2) });
      const [folder] = readdirSync(path.join(temporary.path, work));
      const manifest = readFileSync(path.join(temporary.path, work, folder, 'manifest.json'), 'utf8');
      return (JSON.parse(manifest) as { precision: string }).precision;
    };
    assert.equal(await keptAs(model, 'exact'), 'fp32');
    const rounded = await openInference({ model: BUNDLED_MODEL, precision: 'int8' });
    const precision = await keptAs(rounded, 'rounded').finally(() => rounded.close());
    assert.equal(precision, `int8, graphs ${BUILDER_VERSION}`);
  });

  it('evaluates what a model has: the prefilter alone without a head, every pair without a prefilter', async () => {
    const drop = (pattern: RegExp) => (tensors: Map<string, unknown>) => {
      for (const name of [...tensors.keys()]) if (pattern.test(name)) tensors.delete(name);
    };
    const notes: string[] = [];
    const evaluateVariant = async (name: string, pattern: RegExp) => {
      const folder = path.join(temporary.path, name);
      const variant = await writeVariant(folder, { from: BUNDLED_MODEL, change: drop(pattern) });
      const inference = await openInference({ model: variant });
      const options = { work: 'variants', models: [inference], candidates: [1], listed: listed.slice(0, 3) };
      return run({ ...options, onNote: (line) => notes.push(line) }).finally(() => inference.close());
    };
    const headless = await evaluateVariant('headless', /^rank_output|^itm_score/);
    assert.deepEqual([...new Set(headless.rows.map(({ stage }) => stage))], ['prefilter']);
    assert.equal(headless.model.head, null);
    assert.equal(headless.prefilterRecall.length, 2);
    assert.match(notes[0], /neither a rank nor an ITM head: only the prefilter/);
    const blind = await evaluateVariant('blind', /^prefilter\./);
    assert.deepEqual(
      [...new Set(blind.rows.map(({ stage, order }) => `${stage} ${order}`))],
      ['exhaustive matchScore'],
    );
    assert.equal(blind.prefilter, null);
    assert.match(notes[1], /every pair is scored.*patchword fit/);
  });
});
