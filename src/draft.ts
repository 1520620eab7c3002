import { closeSync, fsyncSync, openSync, readdirSync } from 'node:fs';
import { lstat, readdir, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { explainSystemError, PatchwordError } from './errors.js';
import { makeFolder } from './folder.js';

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
 * @throws PatchwordError INVALID_ARGUMENT where the target is there already; READ_ONLY, DISK_FULL; what `write` throws
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
    await rm(scratch, { recursive: true, force: true });
    makeFolder(scratch);
    const result = await write({ place, scratch });
    await requireFree(absolute, emptyFolder);
    if (emptyFolder) await rmdir(absolute).catch(() => undefined);
    const sync = (await lstat(place)).isDirectory() ? syncFolder : syncPath;
    sync(place);
    await rename(place, absolute);
    syncFolder(path.dirname(absolute));
    return result;
  } catch (error) {
    throw explainSystemError(error, absolute);
  } finally {
    await rm(scratch, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Puts what is written on the disk: the content of a file, or the names in a folder. */
export function syncPath(file: string): void {
  // Windows writes nothing out for who may only read.
  const handle = openSync(file, process.platform === 'win32' ? 'r+' : 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** `syncPath`, where folders can be: Windows has no handles of them. */
export function syncFolder(folder: string): void {
  if (process.platform !== 'win32') syncPath(folder);
}

/** `syncFolder` of a folder and of all below it. */
export function syncFolders(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) syncFolders(path.join(folder, entry.name));
  }
  syncFolder(folder);
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
