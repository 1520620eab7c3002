import { messageOf } from './errors.js';
import type { Filter } from './filter.js';
import { fuse } from './fusion.js';
import type { CandidateSource, Proposal } from './hit.js';
import type { CaptionMatches, Neighbors, Store, Target } from './store/store.js';

/** How long a search waits for caption search once it has the nearest. */
const PATIENCE = 500; // ms

export interface ProposalQuery {
  target: Target;
  /** Whose words are looked for in captions; null where an image is searched with. */
  text: string | null;
  embedding: Float32Array;
  /** At most so many, of each source and of all. */
  k: number;
  sources: readonly CandidateSource[];
  filter?: Filter;
}

export interface Proposals {
  /** Best first. */
  proposals: Proposal[];
  /** What the caller should know of sources that left something out. */
  notes: string[];
  /** How much longer than the nearest the captions took. */
  captionsMilliseconds: number;
}

/**
 * Stage one: what each source proposes, fused by reciprocal rank. Beside the nearest, captions are an extra: what fails or
 * takes long there is left out, with a note.
 */
export async function propose(store: Store, query: ProposalQuery): Promise<Proposals> {
  const { target, text, embedding, k, sources, filter } = query;
  const asksNearest = sources.includes('nearest');
  const finding = asksNearest ? store.nearest({ target, embedding, k, filter }) : Promise.resolve(NO_NEIGHBORS);
  const asksCaptions = text !== null && sources.includes('captions');
  const matching = asksCaptions ? store.captionMatches({ text, embedding, k, filter }) : null;
  // Where the nearest fail first, nobody is there to see this fail too.
  matching?.catch(() => undefined);
  const { neighbors, complete } = await finding;
  const found = performance.now();
  const matches = matching ? await (asksNearest ? patiently(matching) : matching) : NO_MATCHES;
  const similarities = new Map([...neighbors, ...matches.neighbors].map(({ id, similarity }) => [id, similarity]));
  const fused = fuse<CandidateSource>([
    { source: 'nearest', ids: neighbors.map(({ id }) => id) },
    { source: 'captions', ids: matches.neighbors.map(({ id }) => id) },
  ]);
  return {
    proposals: fused.slice(0, k).map((one) => ({ ...one, similarity: similarities.get(one.id)! })),
    notes: [
      ...(complete ? [] : ['The filter lets through more than was looked at; nearer ones may be missing.']),
      ...(matches.skipped === null ? [] : [`Captions were not searched: ${matches.skipped.replace(/\.$/, '')}.`]),
    ],
    captionsMilliseconds: matching ? performance.now() - found : 0,
  };
}

const NO_NEIGHBORS: Neighbors = { neighbors: [], complete: true };
const NO_MATCHES: CaptionMatches = { neighbors: [], commonWords: [], skipped: null };

async function patiently(matching: Promise<CaptionMatches>): Promise<CaptionMatches> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<CaptionMatches>((resolve) => {
    timer = setTimeout(() => resolve({ ...NO_MATCHES, skipped: 'it took too long' }), PATIENCE);
  });
  try {
    return await Promise.race([matching, late]);
  } catch (error) {
    return { ...NO_MATCHES, skipped: messageOf(error) };
  } finally {
    clearTimeout(timer);
  }
}
