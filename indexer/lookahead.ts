/** How far a mapping may run ahead of whoever reads it. */
export interface LookAhead {
  /** The most calls that run at once. */
  concurrency: number;
  /** The most results that wait to be read. */
  ahead: number;
}

/**
 * Maps items in their order while the reader is busy with earlier ones, within bounds. The first failure is thrown where
 * it stands in that order; a reader who leaves early leaves no failure unhandled.
 */
export async function* mapAhead<T, R>(
  items: AsyncIterable<T>,
  { concurrency, ahead }: LookAhead,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const limited = limitConcurrency(concurrency);
  const waiting: Promise<R>[] = [];
  for await (const item of items) {
    const result = limited(() => map(item));
    result.catch(() => undefined);
    waiting.push(result);
    if (waiting.length >= ahead) yield (await waiting.shift()) as R;
  }
  for (const result of waiting) yield await result;
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
