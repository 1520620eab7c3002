import { PatchwordError } from './errors.js';
import { checkFilter, type Filter } from './filter.js';
import { areSources, CANDIDATE_SOURCES, type CandidateSource } from './hit.js';
import type { ImageSource } from './inference/inference.js';
import type { Target } from './store/store.js';
import type { ModelInput } from './vilt/image.js';

/** The most a query may spend on stage two; `pairs: 0` turns it off. */
export interface Budget {
  pairs: number;
  milliseconds: number;
}

export interface SearchOptions {
  /** How many hits to return. */
  k?: number;
  /** How many of what stage one proposes may be reranked. */
  candidates?: number;
  /** What proposes images for a text. Default: both; an image is searched with by nearest alone. */
  sources?: CandidateSource[];
  /** Which images may be found, and the captions of which. */
  filter?: Filter;
  rerank?: Partial<Budget>;
  signal?: AbortSignal;
}

/**
 * Text finds images. An image, or what the model reads of one that the store has, finds captions, or with `target: 'images'` similar
 * images.
 */
export type SearchQuery = SearchOptions & ({ text: string } | { image: ImageSource | ModelInput; target?: Target });

export const SEARCH_DEFAULTS = {
  k: 10,
  candidates: 32,
  /** As many pairs as there are candidates. */
  rerank: { pairs: Infinity, milliseconds: Infinity },
} as const;

/** The most hits or candidates that one search gives. */
export const SEARCH_LIMIT = 1000;

/** Every option of a search, defaults filled in. @throws PatchwordError INVALID_ARGUMENT */
export function readOptions(query: SearchQuery) {
  const { k, candidates, rerank: budget, filter } = query;
  return {
    sources: readSources(query),
    filter: filter === undefined ? undefined : checkFilter(filter),
    k: whole('k', k ?? SEARCH_DEFAULTS.k, 1, SEARCH_LIMIT),
    candidates: whole('candidates', candidates ?? SEARCH_DEFAULTS.candidates, 1, SEARCH_LIMIT),
    budget: {
      pairs: whole('rerank.pairs', budget?.pairs ?? SEARCH_DEFAULTS.rerank.pairs, 0, Infinity),
      milliseconds: notNegative('rerank.milliseconds', budget?.milliseconds ?? SEARCH_DEFAULTS.rerank.milliseconds),
    },
  };
}

function readSources(query: SearchQuery): readonly CandidateSource[] {
  const byText = 'text' in query;
  const { sources = byText ? CANDIDATE_SOURCES : (['nearest'] as const) } = query;
  if (areSources(sources) && (byText || !sources.includes('captions'))) return sources;
  const expected = byText ? 'nearest, captions or both' : 'nearest alone where an image is searched with';
  throw new PatchwordError('INVALID_ARGUMENT', `sources should be ${expected}, not ${JSON.stringify(sources)}.`);
}

function whole(name: string, value: number, least: number, most: number): number {
  if ((Number.isInteger(value) || value === most) && value >= least && value <= most) return value;
  const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new PatchwordError('INVALID_ARGUMENT', `${name} should be a whole number ${range}, not ${value}.`);
}

function notNegative(name: string, value: number): number {
  if (value >= 0) return value;
  throw new PatchwordError('INVALID_ARGUMENT', `${name} should be a number of at least 0, not ${value}.`);
}
