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

/** Recall@K as retrieval papers report it: the share of queries, in percent, whose best relevant item is among the first k. */
export function recallAt(ranks: readonly number[], k: number): number {
  if (ranks.length === 0) return NaN;
  return (100 * ranks.filter((rank) => rank <= k).length) / ranks.length;
}
