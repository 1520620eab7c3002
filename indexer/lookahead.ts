/** How far a mapping may run ahead of whoever reads it. */
export interface LookAhead {
  /** The most calls that run at once. */
  concurrency: number;
  /** The most results that wait to be read. */
  ahead: number;
}

/**
 * Maps items in their order while the reader is busy with earlier ones, within bounds: items are taken as soon as there is
 * room, not only when the reader asks. The first failure is thrown where it stands in that order; a reader who leaves early
 * leaves no failure unhandled.
 */
export async function* mapAhead<T, R>(
  items: AsyncIterable<T>,
  { concurrency, ahead }: LookAhead,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const limited = limitConcurrency(concurrency);
  const iterator = items[Symbol.asyncIterator]();
  const waiting: Promise<R>[] = [];
  const state = { ended: false, left: false };
  const arrival = new Wakeup();
  const room = new Wakeup();

  const put = (result: Promise<R>): void => {
    result.catch(() => undefined);
    waiting.push(result);
    arrival.wake();
  };
  const take = async () => {
    while (!state.left) {
      if (waiting.length >= ahead) {
        await room.sleep();
        continue;
      }
      const taken = iterator.next();
      const item = await taken.catch(() => null);
      if (item === null) put(taken as Promise<never>);
      if (item === null || item.done) break;
      put(limited(() => map(item.value)));
    }
    state.ended = true;
    arrival.wake();
  };

  const taking = take();
  try {
    for (;;) {
      const result = waiting.shift();
      if (result) {
        room.wake();
        yield await result;
      } else if (state.ended) return;
      else await arrival.sleep();
    }
  } finally {
    state.left = true;
    room.wake();
    await taking;
    await iterator.return?.();
  }
}

/** Items that are all there, as those that come one after another. */
export async function* iterate<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

/** One sleeper, who looks for what it waits for before it sleeps. */
class Wakeup {
  wake: () => void = () => undefined;

  sleep(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }
}

/** At most `concurrency` of the tasks given to the returned function run at once; the others wait their turn. */
function limitConcurrency(concurrency: number): <R>(task: () => Promise<R>) => Promise<R> {
  const turns: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running < concurrency) running += 1;
    else await new Promise<void>((turn) => turns.push(turn));
    try {
      return await task();
    } finally {
      const next = turns.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
