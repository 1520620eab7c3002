import { PatchwordError } from './errors.js';
import { compareCandidates, hitOf, hydrate, type Candidate, type Hit } from './hit.js';
import type { ImageSource, Inference } from './inference/inference.js';
import { rerank, type Query } from './rerank.js';
import { truncationNote } from './score.js';
import type { Store, Target } from './store/store.js';

export type { CandidateSource, CaptionHit, Hit, ImageHit } from './hit.js';

/** The most a query may spend on stage two; `pairs: 0` turns it off. */
export interface Budget {
  pairs: number;
  milliseconds: number;
}

export interface SearchOptions {
  /** How many hits to return. */
  k?: number;
  /** How many nearest neighbours stage one proposes. */
  candidates?: number;
  rerank?: Partial<Budget>;
  signal?: AbortSignal;
}

/** Text finds images. An image finds captions, or with `target: 'images'` similar images. */
export type SearchQuery = SearchOptions & ({ text: string } | { image: ImageSource; target?: Target });

export const SEARCH_DEFAULTS = {
  k: 10,
  candidates: 32,
  /** As many pairs as there are candidates. */
  rerank: { pairs: Infinity, milliseconds: Infinity },
} as const;

/** The most hits or candidates that one search gives. */
export const SEARCH_LIMIT = 1000;

export interface Spent {
  embedMilliseconds: number;
  nearestMilliseconds: number;
  rerankMilliseconds: number;
  /** Joint passes run. */
  pairs: number;
  /** The budget ended before every candidate was reranked. */
  cutShort: boolean;
}

export interface SearchUpdate {
  stage: 'nearest' | 'wave' | 'final';
  target: Target;
  /** Best first. */
  hits: Hit[];
  spent: Spent;
  /** Lines worth telling the user: a query that was cut at 40 tokens, say. */
  notes: string[];
}

/** A search: iterate it for every update, or await only the last. Leaving the loop cancels what is left. */
export interface Search extends AsyncIterable<SearchUpdate> {
  final(): Promise<SearchUpdate>;
}

interface Context {
  store: Store;
  inference: Inference;
}

/** @throws PatchwordError INVALID_ARGUMENT at once; when iterated EMPTY_TEXT, IMAGE_UNREADABLE, IMAGE_TOO_LARGE, CANCELLED */
export function search(context: Context, query: SearchQuery): Search {
  const options = readOptions(query);
  const iterate = (): AsyncIterator<SearchUpdate> => {
    const left = new AbortController();
    const signal = query.signal ? AbortSignal.any([left.signal, query.signal]) : left.signal;
    const updates = updatesOf(context, query, { ...options, signal });
    return {
      next: () => updates.next(),
      return: (value) => {
        left.abort();
        return updates.return(value);
      },
    };
  };
  return {
    [Symbol.asyncIterator]: iterate,
    async final() {
      for await (const update of { [Symbol.asyncIterator]: iterate }) if (update.stage === 'final') return update;
      throw new PatchwordError('INTERNAL', 'A search ended without its final update.');
    },
  };
}

type Options = ReturnType<typeof readOptions> & { signal: AbortSignal };

/** The query path: embed, nearest, rerank in waves within the budget; an update after each. */
async function* updatesOf(context: Context, asked: SearchQuery, options: Options): AsyncGenerator<SearchUpdate> {
  const { store, inference } = context;
  const { k, budget, signal } = options;
  const target = 'text' in asked ? 'images' : (asked.target ?? 'captions');
  const spent = { embedMilliseconds: 0, nearestMilliseconds: 0, rerankMilliseconds: 0, pairs: 0, cutShort: false };
  const clock = stopwatch();

  const { query, embedding, notes } = await embed(inference, asked, signal);
  spent.embedMilliseconds = clock();

  const { neighbors } = await store.nearest({ target, embedding, k: Math.max(k, options.candidates) });
  let candidates = await hydrate(store, target, neighbors);
  spent.nearestMilliseconds = clock();
  const update = (stage: SearchUpdate['stage']): SearchUpdate => {
    return { stage, target, hits: candidates.slice(0, k).map(hitOf), spent: { ...spent }, notes };
  };
  yield update('nearest');

  if (canRerank(inference, query, target)) {
    const wanted = candidates.slice(0, options.candidates);
    const affordable = wanted.slice(0, budget.pairs);
    const started = performance.now();
    const late = () => performance.now() - started >= budget.milliseconds;
    for await (const wave of rerank(context, query, affordable, { signal, until: late })) {
      candidates = merge(candidates, wave);
      spent.pairs += wave.length;
      spent.rerankMilliseconds = round(performance.now() - started);
      yield update('wave');
    }
    spent.cutShort = affordable.length < wanted.length || (late() && spent.pairs < affordable.length);
  }
  yield update('final');
}

async function embed(
  inference: Inference,
  asked: SearchQuery,
  signal: AbortSignal,
): Promise<{ query: Query; embedding: Float32Array; notes: string[] }> {
  if ('text' in asked) {
    const [{ embedding, truncated }] = await inference.embedTexts([asked.text], { signal });
    const notes = truncated ? [truncationNote(inference.info.config.maxTextLength)] : [];
    return { query: { text: asked.text }, embedding, notes };
  }
  const { modelInput } = await inference.prepare(asked.image, { signal });
  const [embedding] = await inference.embedImages([modelInput], { signal });
  return { query: { image: modelInput }, embedding, notes: [] };
}

/** The joint model reads a text with an image: two images have only their embeddings. */
function canRerank({ info }: Inference, query: Query, target: Target): boolean {
  return ('text' in query || target === 'captions') && (info.heads.includes('rank') || info.heads.includes('itm'));
}

function merge(candidates: readonly Candidate[], scored: readonly Candidate[]): Candidate[] {
  const byId = new Map(scored.map((candidate) => [candidate.id, candidate]));
  return candidates.map((candidate) => byId.get(candidate.id) ?? candidate).sort(compareCandidates);
}

function readOptions({ k, candidates, rerank: budget }: SearchOptions) {
  return {
    k: whole('k', k ?? SEARCH_DEFAULTS.k, 1, SEARCH_LIMIT),
    candidates: whole('candidates', candidates ?? SEARCH_DEFAULTS.candidates, 1, SEARCH_LIMIT),
    budget: {
      pairs: whole('rerank.pairs', budget?.pairs ?? SEARCH_DEFAULTS.rerank.pairs, 0, Infinity),
      milliseconds: notNegative('rerank.milliseconds', budget?.milliseconds ?? SEARCH_DEFAULTS.rerank.milliseconds),
    },
  };
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

/** Milliseconds since the last call. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const elapsed = round(now - last);
    last = now;
    return elapsed;
  };
}

const round = (milliseconds: number) => Math.round(milliseconds * 10) / 10;
