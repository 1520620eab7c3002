import path from 'node:path';
import { callWorker, startWorker } from '../../worker.js';
import type { CollectionModel, Store } from '../store.js';
import { collectionFolder, collectionNotFound, isCollection } from './folders.js';
import type { RecallReport } from './indexes.js';
import type { StoreHandlers } from './worker.js';
import type { Verification } from './audit.js';
import type { CatalogCopy } from './backup.js';
import type { Compaction } from './compaction.js';

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
  /**
   * Whether vectors are read and brought up to date at once, so that the first search need not wait for it (default); otherwise
   * when they are first asked for.
   */
  warm?: boolean;
  /** Receives lines worth telling the user: a file of vectors that is rebuilt, say. */
  onNote?: (line: string) => void;
}

export interface SqliteStore extends Store {
  /** How much of the 100 nearest searches find, measured on a sample against comparing all. */
  measureRecall(): Promise<RecallReport>;

  /**
   * Writes the catalog, as it is at this moment, to a file that is not there yet, and reads that back; others may go on writing.
   *
   * @throws PatchwordError COLLECTION_DAMAGED where what came out is not sound; DISK_FULL, READ_ONLY
   */
  backup(file: string): Promise<CatalogCopy>;

  /**
   * Looks whether all that must hold of the collection does. With `repair` what is derived is made anew where it is wrong; what is
   * truth is never changed.
   *
   * @throws PatchwordError with `repair`: COLLECTION_BUSY, DISK_FULL, READ_ONLY
   */
  verify(options?: { repair?: boolean }): Promise<Verification>;

  /** Gives back room that is no longer needed. @throws PatchwordError COLLECTION_BUSY, DISK_FULL, READ_ONLY */
  compact(): Promise<Compaction>;
}

export const STORE_DEFAULTS = { inputCacheBytes: 4 * 2 ** 30, exactBelow: 10_000, warm: true } as const;

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
  const { warm = STORE_DEFAULTS.warm } = options;
  const folder = collectionFolder(data, name);
  if (!create && !isCollection(folder)) throw await collectionNotFound(data, name);
  const worker = startWorker(new URL('./worker.js', import.meta.url));
  const client = callWorker<StoreHandlers>(worker, { onEvent: (line) => onNote(line as string) });
  try {
    await client.call('open', { name, folder, create, inputCacheBytes, exactBelow, warm });
  } catch (error) {
    await client.close();
    // Deleted or renamed meanwhile.
    if (!create && !isCollection(folder)) throw await collectionNotFound(data, name);
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
    backup: (file) => client.call('backup', path.resolve(file)),
    verify: (options) => client.call('verify', options),
    compact: () => client.call('compact'),
    flush: () => client.call('flush'),
    close: () => (closing ??= Promise.all([client.call('close'), client.close()]).then(() => {})),
  };
}
