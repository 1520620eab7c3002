import { setImmediate as nextTurn } from 'node:timers/promises';
import { PatchwordError } from '../errors.js';
import type { Calibration } from '../inference/inference.js';
import { mean, median, recallAt } from '../metrics.js';
import type { Evaluated } from './evaluation.js';
import { worstQueries } from './example.js';
import { histogramsOf } from './histogram.js';
import { describeMachine, describeVersions } from './machine.js';
import { requireInput } from './picture.js';
import type { Wanted } from './plan.js';
import { similaritiesOf } from './proposal.js';
import { PROTOCOL_RULES } from './protocol.js';
import { type Evidence, outcomesOf } from './ranking.js';
import { DIRECTIONS, type Direction } from './names.js';
import { type Ranking, RESULT_VERSION, type RetrievalResult } from './result.js';
import { addRsum, differencesOf, type Ranked, rowOf, suggestionsOf } from './row.js';
import type { Spent } from './scoring.js';

type Milliseconds = RetrievalResult['cost']['prefilterMilliseconds'];

/** Makes the tables of an evaluation. @throws PatchwordError CANCELLED */
export async function summarize(evaluated: Evaluated): Promise<RetrievalResult> {
  const { options, split, benchmark, missing, embedded, wanted, plan, earlier, spent } = evaluated;
  const { models, dataset, protocol, candidates, exhaustive } = options;
  const [{ info }] = models;
  const evidence: Evidence = {
    scores: evaluated.scores,
    texts: embedded.texts,
    pictures: embedded.pictures,
    calibration: info.prefilter ? info.calibration : null,
  };
  const prefilterMilliseconds = info.prefilter ? await measurePrefilter(evaluated) : null;
  const pairsPerSecond = rateOf(earlier, spent);
  const left = plan.missing.reduce((sum, { texts }) => sum + texts.length, 0);

  const rankings = rankingsOf(evaluated, evidence);
  const ranked: Ranked[] = [];
  for (const direction of DIRECTIONS) {
    for (const ranking of rankings) {
      await pause(options.signal);
      const of = { direction, ranking, milliseconds: prefilterMilliseconds, pairsPerSecond };
      ranked.push(rank(evaluated, evidence, of));
    }
  }
  await pause(options.signal);
  const rows = ranked.map(rowOf);
  addRsum(rows);
  const images = imagesOf(evaluated);
  const differences = differencesOf(rows, images);
  // Of the most candidates, or exhaustive, by match score: the last of its order.
  const shown = rankings.filter(({ order }) => order === 'matchScore').at(-1) ?? rankings[0];
  return {
    version: RESULT_VERSION,
    kind: 'retrieval',
    protocol,
    date: new Date().toISOString(),
    dataset: {
      ...dataset,
      hash: split.hash,
      images: split.images.length,
      captions: benchmark.folds.reduce((sum, fold) => sum + fold.captions.length, 0),
      captionsAnImage: benchmark.captionsAnImage,
      duplicateCaptions: benchmark.duplicateCaptions,
      folds: PROTOCOL_RULES[protocol].folds,
      missing,
    },
    sample: sampleOf(evaluated),
    model: {
      path: info.folder,
      hash: info.hash,
      parameters: info.parameters,
      head: info.heads.includes('rank') ? 'rank' : info.heads.includes('itm') ? 'itm' : null,
      precision: info.precision,
      device: info.device,
      calibration: coefficientsOf(info.calibration),
    },
    prefilter: info.prefilter && {
      source: info.prefilter.source,
      hash: info.prefilter.hash,
      dimension: info.prefilter.dimension,
    },
    versions: describeVersions(),
    machine: describeMachine(),
    rows,
    differences,
    suggestions: suggestionsOf(rows, differences),
    prefilterRecall: info.prefilter ? prefilterRecall(wanted, candidates) : [],
    histograms: histogramsOf(inDirection(wanted, 'text-to-image'), evidence, {
      exhaustive,
      scored: plan.pairs > 0,
    }),
    worst: DIRECTIONS.flatMap((direction) => {
      const row = ranked.find((one) => one.direction === direction && one.ranking === shown)!;
      const folds = inDirection(wanted, direction).map((one, fold) => ({
        wanted: one,
        ranks: row.folds[fold].map((outcome) => outcome.rank),
      }));
      return worstQueries(folds, { ranking: row.ranking, split, evidence });
    }),
    cost: {
      pairs: plan.pairs,
      reused: plan.pairs - left,
      // Earlier runs may have scored pairs that this one has no use for: what those took is not its cost.
      seconds: pairsPerSecond ? plan.pairs / pairsPerSecond : 0,
      pairsPerSecond,
      prefilterMilliseconds,
    },
    queries: images,
    notes: evaluated.notes,
  };
}

/** Lets the process hear that it is to stop. @throws PatchwordError CANCELLED */
async function pause(signal: AbortSignal | undefined): Promise<void> {
  await nextTurn();
  if (!signal?.aborted) return;
  throw new PatchwordError('CANCELLED', 'Stopped before the tables were made; what was computed is kept.', {
    hint: 'Run the same command again to continue.',
  });
}

/** Pairs a second, over all that earlier runs and this one have scored. */
function rateOf(earlier: Spent, spent: Spent): number | null {
  const seconds = earlier.seconds + spent.seconds;
  return seconds > 0 ? (earlier.pairs + spent.pairs) / seconds : null;
}

function coefficientsOf(calibration: Calibration | null): RetrievalResult['model']['calibration'] {
  if (!calibration) return null;
  const { matchScore, similarity, bias } = calibration;
  return { matchScore, similarity, bias };
}

/** Every stage, number of candidates and order that there is something for, in the order of a result's rows. */
function rankingsOf({ options, plan }: Evaluated, { calibration }: Evidence): Ranking[] {
  const { models, candidates, exhaustive } = options;
  const orders = calibration ? (['matchScore', 'calibrated'] as const) : (['matchScore'] as const);
  const rankings: Ranking[] = [];
  const scored = plan.pairs > 0;
  if (models[0].info.prefilter) {
    rankings.push({ stage: 'prefilter', candidates: null, order: 'similarity' });
    if (scored)
      for (const count of candidates)
        for (const order of orders) rankings.push({ stage: 'two-stage', candidates: count, order });
  }
  if (scored && exhaustive) for (const order of orders) rankings.push({ stage: 'exhaustive', candidates: null, order });
  return rankings;
}

function rank(
  { wanted }: Evaluated,
  evidence: Evidence,
  of: { direction: Direction; ranking: Ranking; milliseconds: Milliseconds; pairsPerSecond: number | null },
): Ranked {
  const { direction, ranking, milliseconds, pairsPerSecond } = of;
  const folds = inDirection(wanted, direction);
  const { candidates, stage } = ranking;
  const pairs = folds.reduce((sum, { matching: { queries, items } }) => {
    const each = { prefilter: 0, 'two-stage': Math.min(candidates ?? 0, items.length), exhaustive: items.length };
    return sum + queries.length * each[stage];
  }, 0);
  const queries = folds.reduce((sum, { matching }) => sum + matching.queries.length, 0);
  const pairsAQuery = queries > 0 ? pairs / queries : 0;
  const joint = pairsPerSecond ? (1000 * pairsAQuery) / pairsPerSecond : 0;
  const millisecondsAQuery = (milliseconds?.[direction] ?? 0) + joint;
  return {
    direction,
    ranking,
    folds: folds.map((one) => outcomesOf(one, ranking, evidence)),
    images: folds.flatMap(({ matching }) => matching.queries.map(({ image }) => image)),
    gallery: Math.max(0, ...folds.map(({ matching }) => matching.items.length)),
    ceiling: stage === 'two-stage' ? ceilingOf(folds, candidates!) : null,
    cost: { pairs, pairsAQuery, millisecondsAQuery, seconds: (queries * millisecondsAQuery) / 1000 },
  };
}

/** Prefilter recall at a number of candidates, the mean of the folds. */
function ceilingOf(folds: readonly Wanted[], candidates: number): number | null {
  const recalls = folds
    .filter(({ proposals }) => proposals!.length > 0)
    .map(({ proposals }) =>
      recallAt(
        proposals!.map(({ ranks }) => ranks[0]),
        candidates,
      ),
    );
  return recalls.length > 0 ? mean(recalls) : null;
}

function prefilterRecall(wanted: readonly Wanted[], candidates: readonly number[]): RetrievalResult['prefilterRecall'] {
  return DIRECTIONS.flatMap((direction) =>
    candidates.map((count) => ({
      direction,
      candidates: count,
      recall: ceilingOf(inDirection(wanted, direction), count),
    })),
  );
}

function inDirection(wanted: readonly Wanted[], direction: Direction): Wanted[] {
  return wanted.filter(({ matching }) => matching.direction === direction);
}

function imagesOf({ wanted, split }: Evaluated): RetrievalResult['queries'] {
  const of = (direction: Direction) =>
    inDirection(wanted, direction).flatMap(({ matching }) =>
      matching.queries.map(({ image }) => split.images[image].place),
    );
  return { 'text-to-image': of('text-to-image'), 'image-to-text': of('image-to-text') };
}

function sampleOf({ options, benchmark }: Evaluated): RetrievalResult['sample'] {
  const { queries, seed } = options;
  if (queries === undefined) return null;
  const count = (side: 'captions' | 'images') => benchmark.folds.reduce((sum, fold) => sum + fold[side].length, 0);
  return { queries, seed, of: { 'text-to-image': count('captions'), 'image-to-text': count('images') } };
}

/** Milliseconds from a query to its candidates, the median of a few: decode, embed, compare with the gallery. */
async function measurePrefilter({ options, wanted, split, embedded }: Evaluated): Promise<Milliseconds> {
  const [model] = options.models;
  const source = options.open(split);
  const measure = async (direction: Direction) => {
    const { matching } = inDirection(wanted, direction).find(({ matching: { queries } }) => queries.length > 0)!;
    const times: number[] = [];
    for (const { id } of matching.queries.slice(0, 5)) {
      const started = performance.now();
      if (direction === 'text-to-image') await model.embedTexts([split.texts[id]]);
      else await model.embedImages([await requireInput(source, id)]);
      similaritiesOf(matching, id, embedded);
      times.push(performance.now() - started);
    }
    return times.length > 0 ? median(times) : 0;
  };
  return { 'text-to-image': await measure('text-to-image'), 'image-to-text': await measure('image-to-text') };
}
