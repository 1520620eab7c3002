import { mean, median, recallAt } from '../metrics.js';
import { bootstrapMeans } from './bootstrap.js';
import type { Outcome } from './ranking.js';
import { type Direction, RECALLS, type RecallName } from './names.js';
import type { Difference, Ranking, Row, Suggestion } from './result.js';

/** What one ranking made of the queries of one direction. */
export interface Ranked {
  direction: Direction;
  ranking: Ranking;
  /** Fold by fold, in the order of the queries. */
  folds: Outcome[][];
  /** The image of each query, over all folds. */
  images: number[];
  gallery: number;
  ceiling: number | null;
  cost: Row['cost'];
}

/** A suggestion loses at most so many points of R@1. */
export const SUGGESTION_WITHIN = 0.3;
/** 90.3 - 90 is a little more than 0.3. */
const ROUNDING = 1e-9;

/** The figures of a ranking: of several folds, their means, as the protocol has it. */
export function rowOf({ direction, ranking, folds, images, gallery, ceiling, cost }: Ranked): Row {
  const used = folds.filter((outcomes) => outcomes.length > 0);
  const overFolds = (figure: (outcomes: Outcome[]) => number) => orNull(mean(used.map(figure)));
  const recall = (k: number) => overFolds((outcomes) => recallAt(ranksIn(outcomes), k));
  const ranks = folds.flatMap(ranksIn);
  const intervals = bootstrapMeans(
    images,
    RECALLS.map((name) => hits(ranks, name)),
  );
  return {
    direction,
    ...ranking,
    queries: ranks.length,
    gallery,
    'R@1': recall(1),
    'R@5': recall(5),
    'R@10': recall(10),
    intervals: Object.fromEntries(RECALLS.map((name, i) => [name, intervals[i]])) as Row['intervals'],
    medianRank: overFolds((outcomes) => median(ranksIn(outcomes))),
    meanRank: overFolds((outcomes) => mean(ranksIn(outcomes))),
    'mAP@R': overFolds((outcomes) => 100 * mean(outcomes.map(({ precision }) => precision))),
    rsum: null,
    ceiling,
    cost,
    ranks,
  };
}

/** Puts into each row the sum of the six recalls of its ranking, where there are six. */
export function addRsum(rows: Row[]): void {
  for (const row of rows) {
    const both = rows.filter((other) => isSame(other, row));
    const recalls = both.flatMap((one) => RECALLS.map((name) => one[name]));
    row.rsum = both.length === 2 && !recalls.includes(null) ? recalls.reduce<number>((sum, r) => sum + r!, 0) : null;
  }
}

/** Whether two rows are of the same stage, number of candidates and order. */
export function isSame(one: Ranking, other: Ranking): boolean {
  return one.stage === other.stage && one.candidates === other.candidates && one.order === other.order;
}

/**
 * What each row is above or below another: below the reference of its order, and calibrated against by match score alone.
 *
 * @param images the image of each query of each direction
 */
export function differencesOf(rows: readonly Row[], images: Record<Direction, number[]>): Difference[] {
  return rows.flatMap((row) => {
    const reference = referenceOf(rows, row);
    const alone = row.order === 'calibrated' ? rows.find((other) => isAlone(other, row)) : undefined;
    const against = [reference, alone].filter((other) => other !== undefined && other !== row);
    return against.flatMap((other) => compare(row, other!, images[row.direction]));
  });
}

function isAlone(other: Row, { direction, stage, candidates }: Row): boolean {
  return other.direction === direction && isSame(other, { stage, candidates, order: 'matchScore' });
}

/** Exhaustive, or the two-stage row of the most candidates: of the row's order, and by match score for the prefilter. */
function referenceOf(rows: readonly Row[], { direction, order }: Row): Row | undefined {
  const wanted = order === 'similarity' ? 'matchScore' : order;
  const same = rows.filter((row) => row.direction === direction && row.order === wanted);
  return (
    same.find(({ stage }) => stage === 'exhaustive') ??
    same.reduce<Row | undefined>((most, row) => (most && most.candidates! >= row.candidates! ? most : row), undefined)
  );
}

function compare(row: Row, against: Row, images: number[]): Difference[] {
  const lists = RECALLS.map((name) => {
    const others = hits(against.ranks, name);
    return hits(row.ranks, name).map((hit, query) => hit - others[query]);
  });
  const intervals = bootstrapMeans(images, lists);
  return RECALLS.flatMap((metric, i) => {
    const [one, other] = [row[metric], against[metric]];
    if (one === null || other === null) return [];
    const { direction } = row;
    const [of, reference] = [rankingOf(row), rankingOf(against)];
    return [{ direction, of, against: reference, metric, points: one - other, interval: intervals[i] }];
  });
}

/** The fewest candidates that lose no more than `SUGGESTION_WITHIN` points of R@1 to the reference, for each direction and order. */
export function suggestionsOf(rows: readonly Row[], differences: readonly Difference[]): Suggestion[] {
  const suggestions: Suggestion[] = [];
  const twoStage = rows.filter(({ stage }) => stage === 'two-stage').sort((a, b) => a.candidates! - b.candidates!);
  for (const { direction, order } of twoStage) {
    if (suggestions.some((known) => known.direction === direction && known.order === order)) continue;
    const own = twoStage.filter((row) => row.direction === direction && row.order === order);
    const reference = referenceOf(rows, own[0])!;
    const close = own.find(
      (row) => row['R@1'] !== null && reference['R@1']! - row['R@1'] <= SUGGESTION_WITHIN + ROUNDING,
    );
    const difference = differences.find(
      (one) =>
        one.direction === direction &&
        one.metric === 'R@1' &&
        close &&
        isSame(one.of, close) &&
        isSame(one.against, reference),
    );
    suggestions.push({
      direction,
      order,
      candidates: close?.candidates ?? null,
      within: SUGGESTION_WITHIN,
      reference: rankingOf(reference),
      points: close ? close['R@1']! - reference['R@1']! : null,
      interval: difference?.interval ?? null,
    });
  }
  return suggestions;
}

export function rankingOf({ stage, candidates, order }: Ranking): Ranking {
  return { stage, candidates, order };
}

function ranksIn(outcomes: readonly Outcome[]): number[] {
  return outcomes.map(({ rank }) => rank);
}

/** 100 where the query's rank is within the recall's, else 0. */
function hits(ranks: readonly number[], name: RecallName): number[] {
  const k = Number(name.slice(2));
  return ranks.map((rank) => (rank <= k ? 100 : 0));
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
