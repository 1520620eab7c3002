import { dirname } from 'node:path';
import type { Source, Store } from '../src/store/store.js';
import { type Format, FORMATS, type Reader } from './readers/reader.js';
import { openSource } from './readers/source.js';

/**
 * The source of a collection that a reader reads. One made before formats were kept is known by its folder alone; it is
 * this one where nothing else is.
 */
export function findSource(sources: readonly Source[], { path, root }: Pick<Reader, 'path' | 'root'>) {
  const same = sources.find((source) => source.path === path);
  if (same && same.files > 0) return same;
  return sources.find((source) => source.format === '' && source.root === root) ?? same;
}

/** Makes a reader's source known to the collection, or says anew what it is; files that came from it stay. */
export async function registerSource(
  store: Store,
  { reader, options }: { reader: Reader; options: Record<string, unknown> },
): Promise<Source> {
  const { path, root, format } = reader;
  const found = findSource(await store.sources(), reader);
  const now = JSON.stringify([path, root, format, options]);
  // Where nothing is new nothing is written, so that a run that finds no change needs no right to write.
  if (found && now === JSON.stringify([found.path, found.root, found.format, found.options])) return found;
  if (found && found.path !== path) await store.moveSource({ sourceId: found.sourceId, path, root });
  return store.addSource({ path, root, format, options });
}

/**
 * Opens a source of a collection as it was opened when it was indexed.
 *
 * @throws PatchwordError as `openSource`
 */
export async function openRegistered(store: Store, { path, format, options }: Source): Promise<Reader> {
  return openSource({ ...options, ...(isFormat(format) && { format }), source: path, except: await ownFolders(store) });
}

/** What a source is read without, should it hold it: where this collection lives, and the others. */
export async function ownFolders(store: Store): Promise<string[]> {
  return [dirname((await store.info()).folder)];
}

function isFormat(name: string): name is Format {
  return name in FORMATS;
}
