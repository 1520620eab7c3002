import type { Line, Method, TaskName } from './journal.js';
import type { Moment } from './kill.js';

/** How long tasks take, as far as is known: milliseconds. */
export class Durations {
  private readonly known: Record<TaskName | 'open', number> = {
    ...{ open: 250, ingest: 600, remove: 60, restore: 20, retry: 20, compact: 120, reindex: 400 },
  };

  learn(measured: readonly { task: string; milliseconds: number }[]): void {
    for (const { task, milliseconds } of measured) {
      const name = task as TaskName;
      this.known[name] = 0.5 * this.known[name] + 0.5 * milliseconds;
    }
  }

  of(task: TaskName | 'open'): number {
    return this.known[task];
  }
}

/** The calls that a task is killed at, some of them more than once. */
const CALLS: Record<TaskName, Method[]> = {
  ingest: ['upsert', 'upsert', 'quarantine', 'markMissing', 'removeFiles', 'flush'],
  remove: ['remove', 'flush'],
  restore: ['restore', 'flush'],
  retry: ['clearQuarantine'],
  compact: ['compact'],
  reindex: ['beginReindex', 'putReembeddings', 'finishReindex', 'flush'],
};

/** Files that come and go in a collection's folder while something is replaced. */
const FILES: Record<TaskName, RegExp[]> = {
  ingest: [/\.hnsw\.new$/, /^manifest\.json\.new$/, /\.hnsw$/],
  remove: [/\.hnsw\.new$/, /^manifest\.json/],
  restore: [/lock\.sqlite/],
  retry: [/lock\.sqlite/],
  compact: [/\.hnsw/, /^manifest\.json/, /^inputs\.sqlite/, /^catalog\.sqlite/],
  reindex: [/^reindex\.sqlite/, /\.hnsw/, /^manifest\.json/],
};

/** A moment of a task to be killed at: early, late or in the middle; at a call of the store; or while a file is replaced. */
export function drawMoment(task: TaskName, durations: Durations, next: () => number): Moment {
  const draw = next();
  const below = (count: number) => Math.floor(count * next());
  const patience = 2 * durations.of(task) + 300;
  if (draw < 0.1) return { what: 'opening', skip: 0, delay: 1.2 * durations.of('open') * next(), patience };
  if (draw < 0.5) {
    const delay = 1.1 * durations.of(task) * next();
    const line = (line: Line) => 'begun' in line && line.begun === task;
    return { what: `${task}, after ${delay.toFixed(0)} ms`, line, skip: 0, delay, patience };
  }
  if (draw < 0.8) {
    const method = CALLS[task][below(CALLS[task].length)];
    const skip = method === 'upsert' ? below(6) : method === 'putReembeddings' ? below(3) : 0;
    const delay = next() < 0.5 ? 0 : 8 * next() ** 2;
    const line = (line: Line) => 'method' in line && line.method === method;
    return { what: `${task}, ${method} ${skip}, after ${delay.toFixed(1)} ms`, line, skip, delay, patience };
  }
  const file = FILES[task][below(FILES[task].length)];
  const skip = below(6);
  const delay = next() < 0.5 ? 0 : 5 * next() ** 2;
  return { what: `${task}, ${file.source} ${skip}, after ${delay.toFixed(1)} ms`, file, skip, delay, patience };
}
