/** One of those who come one after the other. */
export interface Turn {
  /** Resolves once all before have ended theirs. */
  come(): Promise<void>;
  /** Lets the next one come, once this one could have. */
  end(): void;
}

/** Lets work that began in an order, and runs at the same time, do one part of it in that order. */
export class Turns {
  #last = Promise.resolve();

  take(): Turn {
    const before = this.#last;
    let end!: () => void;
    const ended = new Promise<void>((resolve) => (end = resolve));
    this.#last = before.then(() => ended);
    return { come: () => before, end };
  }
}
