import { realpath } from 'node:fs/promises';
import path from 'node:path';

/**
 * Folders that a source is read without, as a walk through it comes upon them: absolute, links resolved. Asked for when the
 * walk begins, since collections may be made meanwhile; one that is not there holds nothing.
 */
export function resolveExcept(folders: readonly string[] = []): Promise<string[]> {
  return Promise.all(folders.map((folder) => realpath(folder).catch(() => path.resolve(folder))));
}
