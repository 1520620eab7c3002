import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { explainSystemError, PatchwordError } from '../../errors.js';
import { callWorker, startWorker } from '../../worker.js';
import type { CollectionModel, Store } from '../store.js';
import type { RecallReport } from './indexes.js';
import type { StoreHandlers } from './worker.js';

export interface StoreOptions {
  /** Folder that holds the collections. */
  data: string;
  name: string;
  /** Makes the collection where there is none, bound to this model. One that is there is opened as it is. */
  create?: CollectionModel;
  /** The most that the cache of model inputs may hold, in bytes; 0 for none. */
  inputCacheBytes?: number;
  /** Collections of fewer vectors are searched exactly, without an HNSW graph. */
  exactBelow?: number;
  /** Receives lines worth telling the user: a file of vectors that is rebuilt, say. */
  onNote?: (line: string) => void;
}

export interface SqliteStore extends Store {
  /** How much of the 100 nearest searches find, measured on a sample against comparing all. */
  measureRecall(): Promise<RecallReport>;
}

export const STORE_DEFAULTS = { inputCacheBytes: 4 * 2 ** 30, exactBelow: 10_000 } as const;

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;

/**
 * Opens a collection kept in `<data>/collections/<name>`: SQLite holds the truth, HNSW files beside it are derived.
 * A worker thread does all of it; this thread only asks.
 *
 * @throws PatchwordError INVALID_ARGUMENT for a name that cannot be a folder's, COLLECTION_NOT_FOUND,
 * COLLECTION_DAMAGED; where it is to be made also COLLECTION_BUSY, DISK_FULL, READ_ONLY
 */
export async function openStore(options: StoreOptions): Promise<SqliteStore> {
  const { data, name, create, onNote = () => {} } = options;
  const { inputCacheBytes = STORE_DEFAULTS.inputCacheBytes, exactBelow = STORE_DEFAULTS.exactBelow } = options;
  const folder = collectionFolder(data, name);
  if (!create && !isCollection(folder)) throw await notFound(data, name);
  const worker = startWorker(new URL('./worker.js', import.meta.url));
  const client = callWorker<StoreHandlers>(worker, { onEvent: (line) => onNote(line as string) });
  try {
    await client.call('open', { name, folder, create, inputCacheBytes, exactBelow });
  } catch (error) {
    await client.close();
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    info: () => client.call('info'),
    statistics: () => client.call('statistics'),
    addSource: (source) => client.call('addSource', source),
    sources: () => client.call('sources'),
    moveSource: (move) => client.call('moveSource', move),
    upsert: (batch) => client.call('upsert', batch),
    getFiles: (query) => client.call('getFiles', query),
    scanFiles: (page) => client.call('scanFiles', page),
    scan: (page) => client.call('scan', page),
    findContents: (contentHashes) => client.call('findContents', contentHashes),
    markMissing: (query) => client.call('markMissing', query),
    removeFiles: (query) => client.call('removeFiles', query),
    remove: (imageIds) => client.call('remove', imageIds),
    restore: (contentHashes) => client.call('restore', contentHashes),
    nearest: (query) => client.call('nearest', query),
    captionMatches: (query) => client.call('captionMatches', query),
    count: (filter) => client.call('count', filter),
    getImages: (ids) => client.call('getImages', ids),
    getCaptions: (ids) => client.call('getCaptions', ids),
    getModelInputs: (imageIds) => client.call('getModelInputs', imageIds),
    putModelInputs: (entries) => client.call('putModelInputs', entries),
    nearDuplicates: (page) => client.call('nearDuplicates', page),
    quarantine: (batch) => client.call('quarantine', batch),
    getQuarantined: (query) => client.call('getQuarantined', query),
    scanQuarantine: (page) => client.call('scanQuarantine', page),
    clearQuarantine: (query) => client.call('clearQuarantine', query),
    beginReindex: (model) => client.call('beginReindex', model),
    pendingImages: (page) => client.call('pendingImages', page),
    putReembeddings: (batch) => client.call('putReembeddings', batch),
    finishReindex: (options) => client.call('finishReindex', options),
    measureRecall: () => client.call('measureRecall'),
    flush: () => client.call('flush'),
    close: () => (closing ??= Promise.all([client.call('close'), client.close()]).then(() => {})),
  };
}

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

function collectionsFolder(data: string): string {
  return path.join(path.resolve(data), 'collections');
}

function collectionFolder(data: string, name: string): string {
  if (NAME.test(name)) return path.join(collectionsFolder(data), name);
  throw new PatchwordError(
    'INVALID_ARGUMENT',
    `A collection's name is 1 to 64 letters, digits, ".", "_" and "-", and does not begin with "."; ${JSON.stringify(name)} is not.`,
  );
}

function isCollection(folder: string): boolean {
  return existsSync(path.join(folder, 'catalog.sqlite'));
}

async function notFound(data: string, name: string): Promise<PatchwordError> {
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
