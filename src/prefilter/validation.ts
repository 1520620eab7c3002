import { createHash } from 'node:crypto';
import type { FeaturedPicture } from './features.js';
import { relevanceOf, type Relevance } from './recall.js';

/** Which pictures recall is measured on; the others are fitted on. */
export interface Split {
  /** By picture: whether it is validated on. */
  validates: readonly boolean[];
  relevance: Relevance;
  pictures: number;
  captions: number;
}

/** Fewer say nothing about recall. */
const LEAST_VALIDATION = 20;
/** Enough to tell settings apart; more would only take long to compare. */
const MOST_VALIDATION = { pictures: 1000, captions: 5000 };

/**
 * Whole pictures validate, drawn by the hash of their content, so that the order of a source does not matter and copies of
 * one picture fall on the same side.
 */
export function splitPictures(
  pictures: readonly FeaturedPicture[],
  { validation, seed }: { validation: number; seed: number },
): Split {
  const draw = (hash: string) => createHash('sha256').update(`${seed}:${hash}`).digest('hex');
  const copies = new Map<string, number[]>();
  pictures.forEach(({ contentHash }, i) => copies.set(contentHash, [...(copies.get(contentHash) ?? []), i]));
  const drawn = [...copies].map(([hash, indices]) => ({ order: draw(hash), indices }));
  drawn.sort((a, b) => (a.order < b.order ? -1 : 1));
  const wanted = Math.max(LEAST_VALIDATION, Math.round(validation * pictures.length));
  const most = Math.min(wanted, MOST_VALIDATION.pictures);
  const validates = pictures.map(() => false);
  let [count, captions] = [0, 0];
  for (const { indices } of drawn) {
    const more = indices.reduce((sum, i) => sum + pictures[i].captions.length, 0);
    if (count + indices.length > most || captions + more > MOST_VALIDATION.captions) continue;
    for (const i of indices) validates[i] = true;
    count += indices.length;
    captions += more;
  }
  const relevance = relevanceOf(pictures.filter((_, i) => validates[i]).map((picture) => picture.captions));
  return { validates, relevance, pictures: count, captions };
}
