import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { PatchwordError } from '../../src/errors.js';
import { locate } from './reader.js';

/** The folder that holds the pictures of a file that lists them. */
export interface Pictures {
  /** Absolute, links resolved. */
  root: string;
  /** Where a listed name lies below the root, or null where it would leave it. */
  locate(name: string): ReturnType<typeof locate>;
}

/**
 * The first folder that holds any of the named pictures.
 *
 * @param options.file the file that lists them
 * @throws PatchwordError SOURCE_INVALID where none does
 */
export async function findPictures({
  file,
  folders,
  names,
}: {
  file: string;
  folders: readonly string[];
  names: readonly string[];
}): Promise<Pictures> {
  for (const folder of folders) {
    const root = await realpath(folder).catch(() => null);
    if (root === null) continue;
    // An absolute name may lead through a link to the folder, or past it.
    const find = (name: string) => locate(folder, name) ?? locate(root, name);
    for (const name of names) {
      const located = find(name);
      if (located !== null && (await isFile(path.join(root, located.location.file)))) return { root, locate: find };
    }
  }
  const first = names[0];
  const hint = path.isAbsolute(first)
    ? `Say which folder is above all of them with --images DIR; the first should be ${first}.`
    : `Say where they are with --images DIR; the first should be at DIR/${first}.`;
  throw new PatchwordError('SOURCE_INVALID', `None of the pictures of ${file} is in ${folders.join(' or ')}.`, {
    hint,
  });
}

async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (status) => status.isFile(),
    () => false,
  );
}
