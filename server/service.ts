import type { Logger } from 'pino';
import { PatchwordError } from '../src/errors.js';
import type { Engine } from '../src/engine.js';
import type { ServedEngine } from './engine.js';
import type { GateLimits } from './gate.js';

export interface ServerLimits {
  /** Largest uploaded image, in bytes. Its pixels are bounded where it is decoded. */
  uploadBytes: number;
  /** Characters of a text. The model reads far fewer; this bounds the work of finding that out. */
  textLength: number;
  /** Characters of a filter, as JSON. */
  filterLength: number;
  /** Largest values that a caller may ask for. */
  k: number;
  candidates: number;
  rerankPairs: number;
  /** The most stage two may take, in milliseconds; what is reranked by then is the answer. */
  rerankMilliseconds: number;
  /** A search that takes longer, waiting included, is given up. */
  searchMilliseconds: number;
  searches: GateLimits;
  /** Uploads being received. */
  uploads: GateLimits;
  thumbnails: GateLimits;
  /** Thumbnails kept on disk, in bytes. */
  thumbnailBytes: number;
}

/** What the routes share: the engine, once it is there, and how far its collection is until then. */
export interface Service {
  engine: ServedEngine | null;
  /** Images embedded so far, while the sample is being made, or made anew for another model. */
  preparing: { done: number; total: number | null } | null;
  readonly limits: ServerLimits;
  readonly logger: Logger;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
}

/**
 * Runs `work` on the engine, and again on a new one where the collection was reindexed meanwhile.
 *
 * @throws PatchwordError PREPARING; what `work` and opening the collection throw
 */
export function withEngine<T>(
  service: Service,
  work: (engine: Engine) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  if (service.engine) return service.engine.use(work, signal);
  const { done, total } = service.preparing ?? { done: 0, total: 0 };
  const progress = total === null ? `: ${done} images so far` : total > 0 ? `: ${done} of ${total} images` : '';
  throw new PatchwordError('PREPARING', `The collection is being prepared${progress}.`, {
    hint: 'Try again in a moment; /healthz says when it is ready.',
  });
}
