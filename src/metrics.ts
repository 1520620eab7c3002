/**
 * The rank of the best relevant item, from 1. Ties count against us: items of an equal score that are not relevant go first.
 *
 * @param scores one an item; higher is better, -Infinity for an item that was not retrieved
 */
export function bestRank(scores: ArrayLike<number>, isRelevant: (item: number) => boolean): number {
  let best = -Infinity;
  for (let item = 0; item < scores.length; item++) if (isRelevant(item)) best = Math.max(best, scores[item]);
  if (best === -Infinity) return Infinity;
  let rank = 1;
  for (let item = 0; item < scores.length; item++) if (!isRelevant(item) && scores[item] >= best) rank++;
  return rank;
}

/**
 * The ranks of all relevant items, from 1, best first: its first is `bestRank`, where all were retrieved. Ties count against us.
 *
 * @param scores one an item; higher is better
 */
export function relevantRanks(scores: ArrayLike<number>, isRelevant: (item: number) => boolean): number[] {
  const relevant: number[] = [];
  for (let item = 0; item < scores.length; item++) if (isRelevant(item)) relevant.push(scores[item]);
  relevant.sort((a, b) => b - a);
  const ahead = new Array<number>(relevant.length).fill(0);
  for (let item = 0; item < scores.length; item++) {
    if (relevant.length === 0 || scores[item] < relevant[relevant.length - 1] || isRelevant(item)) continue;
    for (let i = relevant.length - 1; i >= 0 && scores[item] >= relevant[i]; i--) ahead[i]++;
  }
  return ahead.map((others, i) => 1 + others + i);
}

/** Recall@K as retrieval papers report it: the share of queries, in percent, whose best relevant item is among the first k. */
export function recallAt(ranks: readonly number[], k: number): number {
  if (ranks.length === 0) return NaN;
  return (100 * ranks.filter((rank) => rank <= k).length) / ranks.length;
}

/** NaN of none. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The middle one, or the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Average precision at R of one query with R relevant items: the mean, over the first R places, of the precision at each
 * that holds a relevant item (Musgrave, Belongie and Lim, ECCV 2020, section 3.2). Its mean over queries is mAP@R.
 *
 * @param ranks of all relevant items, best first
 */
export function averagePrecisionAtR(ranks: readonly number[]): number {
  const within = ranks.filter((rank) => rank <= ranks.length);
  return within.reduce((sum, rank, i) => sum + (i + 1) / rank, 0) / ranks.length;
}
