import { relevantRanks } from '../metrics.js';
import { dot } from '../vector.js';
import type { Matching } from './protocol.js';

/** Embeddings of distinct texts or contents, row by row; a row that was not wanted is zero. */
export interface Embeddings {
  /** (count, dimension) */
  data: Float32Array;
  dimension: number;
}

/** What stage one makes of one query. Items are positions in the gallery. */
export interface Proposal {
  /** The most similar items, best first. */
  candidates: Uint32Array;
  similarities: Float32Array;
  /** Ranks of the relevant items among all of the gallery, best first. */
  ranks: number[];
}

/** Similarity of one query to every item of its gallery. */
export function similaritiesOf(
  { direction, items }: Pick<Matching, 'direction' | 'items'>,
  query: number,
  { texts, pictures }: { texts: Embeddings; pictures: Embeddings },
): Float32Array {
  const [own, others] = direction === 'text-to-image' ? [texts, pictures] : [pictures, texts];
  const vector = own.data.subarray(query * own.dimension, (query + 1) * own.dimension);
  return Float32Array.from(items, ({ id }) => dot(vector, others.data, id * others.dimension));
}

/**
 * Ties count against us here too: of equally similar items the relevant ones are proposed last, so that what is proposed
 * of k is proposed of more, and the first k are what recall@k counts.
 */
export function propose(similarities: Float32Array, isRelevant: (item: number) => boolean, count: number): Proposal {
  const size = Math.min(count, similarities.length);
  const candidates: number[] = [];
  if (size > 0) {
    const least = similarities.slice().sort()[similarities.length - size];
    for (let item = 0; item < similarities.length; item++) if (similarities[item] >= least) candidates.push(item);
  }
  candidates.sort(
    (a, b) => similarities[b] - similarities[a] || Number(isRelevant(a)) - Number(isRelevant(b)) || a - b,
  );
  const chosen = Uint32Array.from(candidates.slice(0, size));
  return {
    candidates: chosen,
    similarities: Float32Array.from(chosen, (item) => similarities[item]),
    ranks: relevantRanks(similarities, isRelevant),
  };
}
