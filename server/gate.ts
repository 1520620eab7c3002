import { PatchwordError } from '../src/errors.js';

export interface GateLimits {
  /** Jobs that run at once. */
  running: number;
  /** Jobs that wait for their turn, first come first served. */
  queued: number;
}

/** Lets a bounded number of jobs run and a bounded number wait; turns the rest away at once. */
export class Gate {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly limits: GateLimits) {}

  /**
   * Runs a job when its turn comes. A caller who goes away while waiting leaves the queue.
   *
   * @throws PatchwordError TOO_BUSY; the signal's reason, where it is aborted before the job starts
   */
  async run<T>(job: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#running < this.limits.running) this.#running++;
    else await this.#turn(signal);
    try {
      return await job();
    } finally {
      // A waiting job takes over this job's place, so the count stays as it is.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }

  #turn(signal?: AbortSignal): Promise<void> {
    if (this.#waiting.length >= this.limits.queued) {
      throw new PatchwordError(
        'TOO_BUSY',
        `The server is busy: ${this.limits.running} requests like this are running and ${this.limits.queued} are waiting.`,
        { hint: 'Try again in a moment.' },
      );
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.push(enter);
    });
  }
}
