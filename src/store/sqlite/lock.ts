import { existsSync } from 'node:fs';
import path from 'node:path';
import { explainSystemError, PatchwordError } from '../../errors.js';
import { makeFolder } from '../../folder.js';
import { explainStoreError, isBusy, lockFile, type Lock } from './database.js';

/**
 * What a process does with a collection. Any number read, one of them may write meanwhile; who moves or deletes its folder
 * does so alone. The operating system lets go of a lock when its process dies.
 */
export type Use = 'read' | 'write' | 'alone';

const MODES = { read: 'shared', write: 'reserved', alone: 'exclusive' } as const;

const UNLOCKED: Lock = { release() {} };

/**
 * @throws PatchwordError COLLECTION_BUSY; for `write` and `alone` also READ_ONLY, DISK_FULL. Who may not write to the folder
 * reads without a lock: there is nothing to take it on.
 */
export function lockCollection(folder: string, use: Use): Lock {
  const file = path.join(folder, 'lock.sqlite');
  try {
    return lockFile(file, MODES[use]);
  } catch (error) {
    if (isBusy(error)) throw busy(folder, use, error);
    if (use === 'read' && existsSync(folder)) return UNLOCKED;
    throw explainStoreError(error, folder);
  }
}

/**
 * A lock of one's own, for a job that two processes must not do at once.
 *
 * @param busy what to throw where another process holds it
 * @throws PatchwordError that of `busy`; READ_ONLY, DISK_FULL
 */
export function lockJob(file: string, busy: (cause: unknown) => PatchwordError): Lock {
  try {
    return lockFile(file, 'exclusive');
  } catch (error) {
    throw isBusy(error) ? busy(error) : explainSystemError(error, path.dirname(file));
  }
}

export interface JobLock {
  /** The lock's file; its folder is made. */
  file: string;
  /** What to throw where another process does the job. */
  busy: (cause: unknown) => PatchwordError;
}

/** Does a job that no other process does meanwhile. @throws PatchwordError as `lockJob`; what `task` throws */
export async function withJobLock<T>({ file, busy }: JobLock, task: () => Promise<T>): Promise<T> {
  makeFolder(path.dirname(file));
  const lock = lockJob(file, busy);
  try {
    return await task();
  } finally {
    lock.release();
  }
}

/** The lock to write to a collection, kept from the first write to the end of the last. */
export class WriteLock {
  private held: Lock | undefined;

  constructor(private readonly folder: string) {}

  /** @throws PatchwordError COLLECTION_BUSY, READ_ONLY, DISK_FULL */
  begin(): void {
    this.held ??= lockCollection(this.folder, 'write');
  }

  end(): void {
    this.held?.release();
    this.held = undefined;
  }

  /** For a moment: nothing to be released where it is held anyway. @throws as `begin` */
  borrow(): Lock {
    return this.held ? UNLOCKED : lockCollection(this.folder, 'write');
  }

  /** Runs `run` while no other process writes. @throws as `begin` */
  during(run: () => void): void {
    const lock = this.borrow();
    try {
      run();
    } finally {
      lock.release();
    }
  }
}

function busy(folder: string, use: Use, cause: unknown): PatchwordError {
  const what = {
    read: 'is moving or deleting',
    write: 'is writing to',
    alone: 'uses',
  }[use];
  const hint = {
    read: 'Run the same command again in a moment.',
    write: 'Wait until it has finished, and run the same command again.',
    alone: 'End what serves, indexes or searches it, and run the same command again.',
  }[use];
  return new PatchwordError('COLLECTION_BUSY', `Another process ${what} the collection in ${folder}.`, { hint, cause });
}
