import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { explainSystemError } from './errors.js';

/**
 * Makes a folder and those above it, where they are not there. Node's own `recursive` hides why it fails: on a read-only
 * file system it says that a folder does not exist.
 *
 * @throws PatchwordError READ_ONLY, DISK_FULL, FILE_NOT_FOUND where a file is in the way
 */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  const parent = path.dirname(folder);
  if (parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have been faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw explainSystemError(error, folder);
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
