// A number and its unit stay on one line: \u00a0 is the space that does not break.
import type { Hit, SearchUpdate } from './search.js';

/** Of a picture whose file was not there when it was last looked for. */
export const MISSING = 'file not there any more';

/** A chance in whole percent, never a false certainty. */
export function percent(probability: number): string {
  if (probability > 0.99) return '>\u00a099\u00a0%';
  if (probability < 0.01) return '<\u00a01\u00a0%';
  return `${Math.round(probability * 100)}\u00a0%`;
}

export function milliseconds(value: number): string {
  if (value >= 9_950) return `${Math.round(value / 1000)}\u00a0s`;
  return value >= 995 ? `${(value / 1000).toFixed(1)}\u00a0s` : `${Math.max(1, Math.round(value))}\u00a0ms`;
}

/** What the card says of how well a hit fits: the best evidence there is so far. */
export function matchOf(hit: Hit): { label: string; probability: number | null; reranked: boolean } {
  if (hit.matchProbability !== null) {
    return { label: percent(hit.matchProbability), probability: hit.matchProbability, reranked: true };
  }
  if (hit.matchScore !== null)
    return { label: `score ${hit.matchScore.toFixed(2)}`, probability: null, reranked: true };
  const similarity = hit.similarity === null ? 'candidate' : `similarity ${hit.similarity.toFixed(2)}`;
  return { label: similarity, probability: null, reranked: false };
}

export function captionOf(hit: Hit): string {
  return 'caption' in hit ? hit.caption : (hit.captions[0] ?? hit.file);
}

/** Stable from one update to the next, so that a card can be followed to its new place. */
export function keyOf(hit: Hit): string {
  return 'captionId' in hit ? `caption-${hit.captionId}` : `image-${hit.imageId}`;
}

/** "32 candidates in 12 ms · 24 of 32 reranked · 140 ms" */
export function statusOf({ stage, candidates, spent }: SearchUpdate): string {
  const { embedMilliseconds, nearestMilliseconds, captionsMilliseconds } = spent;
  const first = milliseconds(embedMilliseconds + nearestMilliseconds + captionsMilliseconds);
  const found = `${candidates} ${candidates === 1 ? 'candidate' : 'candidates'} in ${first}`;
  if (spent.pairs === 0) return found;
  const reranked = `${spent.pairs} of ${candidates} reranked · ${milliseconds(spent.rerankMilliseconds)}`;
  const short = stage === 'final' && spent.cutShort ? ' · stopped at the time limit' : '';
  return `${found} · ${reranked}${short}`;
}
