import { existsSync, mkdirSync } from 'node:fs';
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
