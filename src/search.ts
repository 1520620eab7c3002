import { nothingMatches } from './calibration.js';
import { PatchwordError } from './errors.js';
import { compareCandidates, hitOf, hydrate, type Candidate, type Hit } from './hit.js';
import type { ImageSource, Inference } from './inference/inference.js';
import { cancelled } from './inference/schedule.js';
import { readOptions, type SearchQuery } from './options.js';
import { propose } from './proposal.js';
import { rerank, type Query } from './rerank.js';
import { textNotes } from './score.js';
import type { Store, Target } from './store/store.js';
import type { ModelInput } from './vilt/image.js';

export type { CandidateSource, CaptionHit, Hit, ImageHit } from './hit.js';
export { SEARCH_DEFAULTS, SEARCH_LIMIT, type Budget, type SearchOptions, type SearchQuery } from './options.js';

export interface Spent {
  embedMilliseconds: number;
  /** With reading the candidates from the catalog. */
  nearestMilliseconds: number;
  /** How much longer the words of captions took than the nearest, at the same time. */
  captionsMilliseconds: number;
  rerankMilliseconds: number;
  /** Joint passes run. */
  pairs: number;
  /** The budget ended before every candidate was reranked. */
  cutShort: boolean;
}

const NOTHING_SPENT: Spent = {
  embedMilliseconds: 0,
  nearestMilliseconds: 0,
  captionsMilliseconds: 0,
  rerankMilliseconds: 0,
  pairs: 0,
  cutShort: false,
};

const NO_RANK_HEAD = 'The model has no rank or ITM head: hits are as their embeddings, and words, have them.';
const NOTHING_MATCHES = 'No picture here seems to match; these come nearest.';

export interface SearchUpdate {
  stage: 'nearest' | 'wave' | 'final';
  target: Target;
  /** Best first. */
  hits: Hit[];
  /** How many there are to rerank. */
  candidates: number;
  spent: Spent;
  /** Words of the text that the model does not know, as they are written; the words of captions are searched for all the same. */
  unknownWords: string[];
  /**
   * Whether no image matches the text: told by the last update, once as many candidates were reranked as the calibration was
   * measured with, where it has a threshold for it; else null. The hits are the nearest all the same.
   */
  nothingMatches: boolean | null;
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

/** The query path: embed, propose, rerank in waves within the budget; an update after each. */
async function* updatesOf(context: Context, asked: SearchQuery, options: Options): AsyncGenerator<SearchUpdate> {
  const { store, inference } = context;
  const { k, budget, sources, filter, signal } = options;
  const target = 'text' in asked ? 'images' : (asked.target ?? 'captions');
  const text = 'text' in asked ? asked.text : null;
  const spent = { ...NOTHING_SPENT };
  const clock = stopwatch();

  const { query, embedding, unknownWords, notes } = await embed(inference, asked, signal);
  spent.embedMilliseconds = clock();

  const most = Math.max(k, options.candidates);
  const stageOne = await propose(store, { target, text, embedding, k: most, sources, filter });
  let candidates = await hydrate(store, target, stageOne.proposals);
  spent.captionsMilliseconds = round(stageOne.captionsMilliseconds);
  spent.nearestMilliseconds = round(clock() - spent.captionsMilliseconds);
  notes.push(...stageOne.notes);
  if (isRead(query, target) && !hasRankHead(inference)) notes.push(NO_RANK_HEAD);
  const update = (
    stage: SearchUpdate['stage'],
    told: Pick<SearchUpdate, 'nothingMatches' | 'notes'> = { nothingMatches: null, notes },
  ): SearchUpdate => {
    const hits = candidates.slice(0, k).map(hitOf);
    return {
      stage,
      target,
      hits,
      candidates: Math.min(candidates.length, options.candidates),
      spent: { ...spent },
      unknownWords,
      ...told,
    };
  };
  if (signal.aborted) throw cancelled();
  yield update('nearest');

  const wanted = isRead(query, target) && hasRankHead(inference) ? candidates.slice(0, options.candidates) : [];
  const affordable = wanted.slice(0, budget.pairs);
  const started = performance.now();
  const left = () => budget.milliseconds - (performance.now() - started);
  let tried = 0;
  for await (const wave of rerank(context, query, affordable, { signal, left })) {
    tried = wave.tried;
    candidates = merge(candidates, wave.scored);
    spent.pairs += wave.scored.length;
    spent.rerankMilliseconds = round(performance.now() - started);
    yield update('wave');
  }
  spent.cutShort = tried < wanted.length;
  const { calibration } = inference.info;
  // The threshold is of the best of so many nearest, among which those that captions propose come; and what was passed over may be
  // the match.
  const asMeasured = sources.includes('nearest') && options.candidates >= (calibration?.measured?.candidates ?? 0);
  const last = [...notes];
  const told = text !== null && asMeasured && spent.pairs === wanted.length;
  const nothing = told ? nothingMatches(calibration, candidates) : null;
  const unread = tried - spent.pairs;
  if (unread > 0) last.push(unreadNote(unread));
  if (nothing) last.push(NOTHING_MATCHES);
  yield update('final', { nothingMatches: nothing, notes: last });
}

async function embed(
  inference: Inference,
  asked: SearchQuery,
  signal: AbortSignal,
): Promise<{ query: Query; embedding: Float32Array; unknownWords: string[]; notes: string[] }> {
  if ('text' in asked) {
    const { text } = asked;
    const tokens = await inference.tokenize(text, { signal });
    const [{ embedding }] = await inference.embedTexts([text], { signal });
    return { query: { text }, embedding, unknownWords: tokens.unknownWords, notes: textNotes(tokens, inference.info) };
  }
  const modelInput = isModelInput(asked.image)
    ? asked.image
    : (await inference.prepare(asked.image, { signal })).modelInput;
  const [embedding] = await inference.embedImages([modelInput], { signal });
  return { query: { image: modelInput }, embedding, unknownWords: [], notes: [] };
}

const isModelInput = (image: ImageSource | ModelInput): image is ModelInput =>
  typeof image === 'object' && 'pixels' in image;

function unreadNote(count: number): string {
  const which = count === 1 ? '1 picture that comes near cannot' : `${count} pictures that come near cannot`;
  return `${which} be read any more: after those that the model read with the text.`;
}

/** The joint model reads a text with an image: two images have only their embeddings. */
function isRead(query: Query, target: Target): boolean {
  return 'text' in query || target === 'captions';
}

function hasRankHead({ info: { heads } }: Inference): boolean {
  return heads.includes('rank') || heads.includes('itm');
}

function merge(candidates: readonly Candidate[], scored: readonly Candidate[]): Candidate[] {
  const byId = new Map(scored.map((candidate) => [candidate.id, candidate]));
  return candidates.map((candidate) => byId.get(candidate.id) ?? candidate).sort(compareCandidates);
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
