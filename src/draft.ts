import { lstat, readdir, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { explainSystemError, PatchwordError } from './errors.js';
import { makeFolder, syncFolder, syncPath } from './folder.js';
import type { Lock } from './store/sqlite/database.js';
import { lockJob } from './store/sqlite/lock.js';

export interface DraftOptions {
  /** The file or folder to be made. */
  target: string;
  /** Whether it may be a folder that is there, and empty. */
  emptyFolder?: boolean;
}

/**
 * Makes a file or folder that is there whole or not at all: `write` makes it at `place`, from where it gets its name. `scratch` is
 * a folder for what is needed on the way. What a process that died left of the same target is removed first.
 *
 * @throws PatchwordError INVALID_ARGUMENT where the target is there already, or is being made by another process; READ_ONLY, DISK_FULL; what `write` throws
 */
export async function withDraft<T>(
  { target, emptyFolder = false }: DraftOptions,
  write: (draft: { place: string; scratch: string }) => Promise<T>,
): Promise<T> {
  const absolute = path.resolve(target);
  await requireFree(absolute, emptyFolder);
  const scratch = `${absolute}.patchword-draft`;
  const place = path.join(scratch, 'whole');
  try {
    makeFolder(scratch);
    const lock = lockJob(path.join(scratch, LOCK), (cause) => busy(absolute, cause));
    try {
      await clear(scratch);
      const result = await write({ place, scratch });
      await requireFree(absolute, emptyFolder);
      if (emptyFolder) await rmdir(absolute).catch(() => undefined);
      const sync = (await lstat(place)).isDirectory() ? syncFolder : syncPath;
      sync(place);
      await rename(place, absolute);
      syncFolder(path.dirname(absolute));
      return result;
    } finally {
      await clear(scratch).catch(() => undefined);
      await leave(scratch, lock);
    }
  } catch (error) {
    throw explainSystemError(error, absolute);
  }
}

/** Held by whoever makes the draft. */
const LOCK = 'lock.sqlite';

async function clear(scratch: string): Promise<void> {
  for (const name of await readdir(scratch)) {
    if (!name.startsWith(LOCK)) await rm(path.join(scratch, name), { recursive: true, force: true });
  }
}

/** While it is held, the file goes: who comes now makes another, and not all of a folder is theirs to remove. */
async function leave(scratch: string, lock: Lock): Promise<void> {
  const remove = () => rm(path.join(scratch, LOCK), { force: true }).catch(() => undefined);
  await remove();
  lock.release();
  if (process.platform === 'win32') await remove(); // where no file that is open can go
  await rmdir(scratch).catch(() => undefined);
}

function busy(target: string, cause: unknown): PatchwordError {
  return new PatchwordError('INVALID_ARGUMENT', `Another process is writing ${target}.`, {
    hint: 'Wait until it has finished, or name another one.',
    cause,
  });
}

async function requireFree(target: string, emptyFolder: boolean): Promise<void> {
  const status = await lstat(target).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw explainSystemError(error, target);
  });
  if (!status) return;
  if (emptyFolder && status.isDirectory() && (await readdir(target)).length === 0) return;
  const what = emptyFolder && status.isDirectory() ? 'is not empty' : 'is there already';
  throw new PatchwordError('INVALID_ARGUMENT', `${target} ${what}, and nothing is ever written over.`, {
    hint: 'Name one that is not there yet.',
  });
}
