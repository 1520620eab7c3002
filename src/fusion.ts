/** What the first places count against the later ones: as Cormack, Clarke and Büttcher (SIGIR 2009) chose it. */
const K = 60;

/** What one source proposes, best first. */
export interface Ranking<Source> {
  source: Source;
  ids: readonly number[];
}

export interface Fused<Source> {
  id: number;
  /** Those that propose it, in the order of the rankings. */
  sources: Source[];
}

/**
 * Reciprocal rank fusion: an id scores 1 / (60 + place) in each ranking that holds it, places from 1. Best first; ties by the place
 * in the first ranking, then by id. An id that a ranking repeats counts where it stands first.
 */
export function fuse<Source>(rankings: readonly Ranking<Source>[]): Fused<Source>[] {
  const fused = new Map<number, Fused<Source> & { score: number; first: number }>();
  for (const [index, { source, ids }] of rankings.entries()) {
    for (const [at, id] of [...new Set(ids)].entries()) {
      const one = fused.get(id) ?? { id, sources: [], score: 0, first: index === 0 ? at : Infinity };
      one.score += 1 / (K + at + 1);
      one.sources.push(source);
      fused.set(id, one);
    }
  }
  return [...fused.values()]
    .sort((a, b) => b.score - a.score || (a.first === b.first ? a.id - b.id : a.first - b.first))
    .map(({ id, sources }) => ({ id, sources }));
}
