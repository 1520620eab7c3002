import type { CollectionModel, ImageRecord, Reembedding, Store } from '../../../src/store/store.js';
import type { SqliteStore } from '../../../src/store/sqlite/store.js';

/** Calls that change a collection, or what is derived from it. */
export const TOLD = [
  'addSource',
  'moveSource',
  'upsert',
  'markMissing',
  'removeFiles',
  'remove',
  'restore',
  'quarantine',
  'clearQuarantine',
  'beginReindex',
  'putReembeddings',
  'finishReindex',
  'flush',
  'compact',
] as const satisfies (keyof SqliteStore)[];

export type Method = (typeof TOLD)[number];

/** What came over a pipe instead of vectors and pixels. */
type Told<T> = T extends ArrayBufferView ? true : T extends object ? { [K in keyof T]: Told<T[K]> } : T;

export type ToldRecord = Told<Omit<ImageRecord, 'perceptualHash'>>;

interface Arguments {
  addSource: Parameters<Store['addSource']>[0];
  moveSource: Parameters<Store['moveSource']>[0];
  upsert: { sourceId: number; images: ToldRecord[] };
  markMissing: { sourceId: number; files: string[] };
  removeFiles: { sourceId: number; files: string[] };
  remove: number[];
  restore: string[] | undefined;
  quarantine: Parameters<Store['quarantine']>[0];
  clearQuarantine: { sourceId?: number; files?: string[] };
  beginReindex: CollectionModel;
  putReembeddings: Told<Reembedding>[];
  finishReindex: { unreadable: number[] };
  flush: undefined;
  compact: undefined;
}

type Results = { [M in Method]: Awaited<ReturnType<SqliteStore[M]>> };

/** A call that was begun: the next line of its process after it was sent … */
export type Call = { [M in Method]: { call: number; method: M; argument: Arguments[M] } }[Method];

/** … and its acknowledgement. A call that changed nothing says why. */
export interface Answer {
  answer: number;
  result?: unknown;
  failed?: string;
}

export type TaskName = 'ingest' | 'remove' | 'restore' | 'retry' | 'compact' | 'reindex';

export type Line =
  | Call
  | Answer
  | { open: true }
  | { begun: TaskName }
  | { done: TaskName; result: unknown }
  | { embedded: number }
  | { note: string };

export function resultOf<M extends Method>(_method: M, { result }: Answer): Results[M] {
  return result as Results[M];
}

/** A store that says each of its calls when it is sent, and each acknowledgement when it came. */
export function tellCalls(store: SqliteStore, say: (line: Line) => void): SqliteStore {
  let calls = 0;
  const told = (method: Method) => {
    const run = store[method].bind(store) as (argument: unknown) => Promise<unknown>;
    return async (argument: unknown) => {
      const call = calls++;
      say({ call, method, argument } as Call);
      try {
        const result = await run(argument);
        say({ answer: call, result });
        return result;
      } catch (error) {
        say({ answer: call, failed: String(error) });
        throw error;
      }
    };
  };
  return { ...store, ...Object.fromEntries(TOLD.map((method) => [method, told(method)])) };
}

/** One line, vectors and pixels left out. */
export function encodeLine(line: Line): string {
  return `${JSON.stringify(line, (_, value: unknown) => (ArrayBuffer.isView(value) ? true : value))}\n`;
}
