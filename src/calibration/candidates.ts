import type { Engine } from '../engine.js';
import type { ImageHit } from '../hit.js';
import { SEARCH_DEFAULTS, type SearchOptions } from '../search.js';
import type { Example } from './logistic.js';
import { wordsOf, type CalibrationQuery } from './queries.js';

/** As many as a search reranks. */
export const { candidates: CANDIDATES } = SEARCH_DEFAULTS;
/** A text whose rarest word more pictures have is not asked without them: it would take too many pairs to get past them. */
const MOST_WITH_WORD = 64;

/** What a text found: its candidates, and those that are left where no picture has its rarest word. */
export interface Found {
  candidates: Example[];
  /** null for a text that was not asked so. */
  without: Example[] | null;
}

/**
 * The nearest pictures of a text, and the nearest of those without its rarest word, all with both scores.
 *
 * @throws PatchwordError what a search throws
 */
export async function findCandidates(
  engine: Engine,
  { text, rarest }: CalibrationQuery,
  options: Pick<SearchOptions, 'filter' | 'signal'>,
): Promise<Found> {
  const asksWithout = rarest.pictures <= MOST_WITH_WORD;
  const most = CANDIDATES + (asksWithout ? rarest.pictures : 0);
  const search = engine.search({ text, k: most, candidates: most, sources: ['nearest'], ...options });
  const hits = (await search.final()).hits as ImageHit[];
  const scored = hits.filter(({ matchScore }) => matchScore !== null);
  // As stage one has them: what a search of so many candidates would rerank.
  const nearest = scored.sort((a, b) => b.similarity! - a.similarity! || a.imageId - b.imageId);
  const take = (some: readonly ImageHit[]) =>
    some.slice(0, CANDIDATES).map(({ matchScore, similarity, captions }): Example => ({
      matchScore: matchScore!,
      similarity: similarity!,
      match: captions.includes(text),
    }));
  const lack = nearest.filter(({ captions }) => !captions.some((caption) => wordsOf(caption).includes(rarest.word)));
  return { candidates: take(nearest), without: asksWithout && lack.length > 0 ? take(lack) : null };
}
