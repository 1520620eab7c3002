import type { Logger } from 'pino';
import type { Engine } from '../src/engine.js';
import { PatchwordError } from '../src/errors.js';

export interface ServedEngineOptions {
  engine: Engine;
  /** Opens the collection anew, with the model that it is bound to by then. */
  open: () => Promise<Engine>;
  logger: Logger;
}

/**
 * The engine that requests share. Where the collection gets another model (`patchword reindex`, in another process), the first
 * search that notices opens it anew, once; searches wait for that, everything else goes on with the old engine, which is
 * closed after its last request.
 */
export class ServedEngine {
  #current: Engine;
  #reopening: Promise<void> | undefined;
  /** How many requests each engine serves that is not closed yet. */
  readonly #users = new Map<Engine, number>();
  /** Engines of which only the closing is left. */
  readonly #closing = new Set<Promise<void>>();

  constructor(private readonly options: ServedEngineOptions) {
    this.#current = options.engine;
    this.#users.set(this.#current, 0);
  }

  /**
   * Runs `work` on the engine; where the collection was reindexed since that was opened, once more on a new one.
   *
   * @throws what `work` throws; what openEngine throws; the signal's reason, where it is aborted while the engine is opened
   */
  async use<T>(work: (engine: Engine) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const engine = this.#current;
    try {
      return await this.#run(engine, work);
    } catch (error) {
      if (!(error instanceof PatchwordError && error.code === 'MODEL_MISMATCH')) throw error;
      // Before the opening begins: whoever is not there any more does not hear that it failed.
      signal?.throwIfAborted();
      await untilAborted(this.#reopen(engine), signal);
      return await this.#run(this.#current, work);
    }
  }

  /** Lets a reopening under way finish, and closes all that is open. */
  async close(): Promise<void> {
    await this.#reopening?.catch(() => undefined);
    for (const engine of this.#users.keys()) this.#close(engine);
    await Promise.all(this.#closing);
  }

  async #run<T>(engine: Engine, work: (engine: Engine) => Promise<T>): Promise<T> {
    this.#users.set(engine, this.#users.get(engine)! + 1);
    try {
      return await work(engine);
    } finally {
      const left = (this.#users.get(engine) ?? 0) - 1;
      if (this.#users.has(engine)) this.#users.set(engine, left);
      if (left === 0 && engine !== this.#current) this.#close(engine);
    }
  }

  #reopen(stale: Engine): Promise<void> {
    if (this.#current !== stale) return Promise.resolve();
    return (this.#reopening ??= this.#replace(stale).finally(() => (this.#reopening = undefined)));
  }

  async #replace(stale: Engine): Promise<void> {
    const { logger, open } = this.options;
    logger.warn('The collection was reindexed: opening it anew.');
    const engine = await open();
    this.#users.set(engine, 0);
    this.#current = engine;
    if (this.#users.get(stale) === 0) this.#close(stale);
    const { folder, hash } = engine.inference.info;
    logger.warn({ model: folder, hash }, 'The collection is open with its new model.');
  }

  #close(engine: Engine): void {
    if (!this.#users.delete(engine)) return;
    const closed = engine
      .close()
      .catch((error: unknown) => this.options.logger.error({ err: error }, 'an engine could not be closed'))
      .finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }
}

/** Waits no longer than the caller does. */
async function untilAborted(work: Promise<void>, signal?: AbortSignal): Promise<void> {
  let leave = () => {};
  const aborted = new Promise<never>((_, reject) => {
    leave = () => reject(signal?.reason as Error);
    if (signal?.aborted) leave();
    else signal?.addEventListener('abort', leave, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal?.removeEventListener('abort', leave);
  }
}
