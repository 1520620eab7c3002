import { existsSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { explainSystemError, PatchwordError } from '../../errors.js';

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;

/** Bytes on disk of a collection, by what they are for. */
export interface CollectionBytes {
  /** The only part that cannot be made again. */
  catalog: number;
  /** Pictures that `patchword collection import` unpacked. */
  pictures: number;
  vectors: number;
  modelInputs: number;
  thumbnails: number;
  /** Embeddings of a reindex that is not finished. */
  reindex: number;
  other: number;
}

/** The folder inside a collection's own that holds the pictures that an import unpacked. */
export const PICTURES_FOLDER = 'imported';

/** What Patchword puts into a collection's folder, by the first part of the path. */
const PARTS: readonly [RegExp, keyof CollectionBytes][] = [
  [/^catalog\.sqlite(-journal|-wal|-shm)?$/, 'catalog'],
  [new RegExp(`^${PICTURES_FOLDER}$`), 'pictures'],
  [/^((images|captions)\.hnsw|manifest\.json)$/, 'vectors'],
  [/^inputs\.sqlite(-journal|-wal|-shm)?$/, 'modelInputs'],
  [/^thumbnails$/, 'thumbnails'],
  [/^reindex\.sqlite(-journal|-wal|-shm)?$/, 'reindex'],
  [/^lock\.sqlite(-journal|-wal|-shm)?$/, 'other'],
  // Written beside what it was to replace, by a process that died.
  [/\.new(-journal|-wal|-shm)?$/, 'other'],
];

/** Names of the collections in a data folder, sorted. */
export async function listCollections(data: string): Promise<string[]> {
  const folder = collectionsFolder(data);
  try {
    const names = await readdir(folder);
    return names.filter((name) => NAME.test(name) && isCollection(path.join(folder, name))).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw explainSystemError(error, folder);
  }
}

export function collectionsFolder(data: string): string {
  return path.join(path.resolve(data), 'collections');
}

/** @throws PatchwordError INVALID_ARGUMENT for a name that cannot be a folder's */
export function collectionFolder(data: string, name: string): string {
  if (NAME.test(name)) return path.join(collectionsFolder(data), name);
  throw new PatchwordError(
    'INVALID_ARGUMENT',
    `A collection's name is 1 to 64 letters, digits, ".", "_" and "-", and does not begin with "."; ${JSON.stringify(name)} is not.`,
  );
}

export function isCollection(folder: string): boolean {
  return existsSync(catalogFile(folder));
}

export function catalogFile(folder: string): string {
  return path.join(folder, 'catalog.sqlite');
}

export async function collectionNotFound(data: string, name: string): Promise<PatchwordError> {
  const names = await listCollections(data);
  const others = names.length > 0 ? `there are: ${names.join(', ')}` : 'there is none yet';
  return new PatchwordError(
    'COLLECTION_NOT_FOUND',
    `There is no collection "${name}" in ${path.resolve(data)}; ${others}.`,
    {
      hint: `Make it with: patchword index SOURCE --collection ${name}`,
    },
  );
}

/** What is in a collection's folder that Patchword did not put there. */
export async function foreignEntries(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => !PARTS.some(([pattern]) => pattern.test(name)));
}

/** Links are not followed. What goes away meanwhile counts nothing. */
export async function measureCollection(folder: string): Promise<CollectionBytes> {
  const bytes: CollectionBytes = {
    catalog: 0,
    pictures: 0,
    vectors: 0,
    modelInputs: 0,
    thumbnails: 0,
    reindex: 0,
    other: 0,
  };
  for (const name of await namesIn(folder)) {
    if (name.endsWith('-shm')) continue; // Memory that processes share, for as long as one has the file open.
    const part = PARTS.find(([pattern]) => pattern.test(name))?.[1] ?? 'other';
    bytes[part] += await bytesBelow(path.join(folder, name));
  }
  return bytes;
}

export function totalBytes(bytes: CollectionBytes): number {
  return Object.values<number>({ ...bytes }).reduce((sum, part) => sum + part, 0);
}

async function bytesBelow(file: string): Promise<number> {
  const status = await lstat(file).catch(() => null);
  if (!status) return 0;
  if (!status.isDirectory()) return status.size;
  let bytes = 0;
  for (const name of await namesIn(file)) bytes += await bytesBelow(path.join(file, name));
  return bytes;
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
