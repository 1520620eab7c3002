import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { PACKAGE_FOLDER } from '../../src/paths.js';

export interface Ingestion {
  child: ChildProcess;
  /** Resolves with how many entries are done, once it is at least so many; null where the process ended before. */
  done(atLeast: number): Promise<number | null>;
  /** Its exit code; null where it was killed. */
  ended: Promise<number | null>;
}

/** Indexes a source in another process, which can be killed at any moment. */
export function startIngestion(options: { data: string; collection: string; source: string }): Ingestion {
  const { data, collection, source } = options;
  const script = path.join(PACKAGE_FOLDER, 'dist', 'test', 'indexer', 'ingesting.js');
  const child = spawn(process.execPath, [script, data, collection, source], { stdio: ['ignore', 'pipe', 'inherit'] });
  let last = -1;
  let hasEnded = false;
  let tell = () => {};
  child.stdout.on('data', (text: Buffer) => {
    last = Number(text.toString().trim().split('\n').at(-1));
    tell();
  });
  const ended = new Promise<number | null>((resolve) =>
    child.on('close', (code) => {
      hasEnded = true;
      tell();
      resolve(code);
    }),
  );
  return {
    child,
    ended,
    async done(atLeast) {
      while (last < atLeast && !hasEnded) await new Promise<void>((resolve) => (tell = resolve));
      return last < atLeast ? null : last;
    },
  };
}
