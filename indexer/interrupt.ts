export interface Interrupt {
  /** Aborts at the first Ctrl-C. */
  signal: AbortSignal;
  /** Resolves at the first Ctrl-C. */
  signalled: Promise<void>;
  /** Gives Ctrl-C back its usual meaning. */
  release(): void;
}

/**
 * Turns the first Ctrl-C (or a request to end) into an abort, so that work can stop where nothing is lost; a second one
 * ends the process at once.
 */
export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  const { signal } = controller;
  const interrupt = () => {
    if (signal.aborted) process.exit(130);
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return {
    signal,
    signalled: new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
    release() {
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
    },
  };
}
