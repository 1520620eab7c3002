import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { explainSystemError, messageOf, PatchwordError, type ErrorCode } from '../../errors.js';
import { makeFolder, syncFolder, syncFolders } from '../../folder.js';
import type { CollectionModel } from '../store.js';
import { explainStoreError, openDatabase, type Lock } from './database.js';
import {
  catalogFile,
  collectionFolder,
  collectionNotFound,
  collectionsFolder,
  foreignEntries,
  isCollection,
  listCollections,
  measureCollection,
  totalBytes,
} from './folders.js';
import { lockCollection } from './lock.js';
import { CATALOG_STEPS } from './schema.js';

/** A collection as its catalog and its folder show it; opening it would take its vectors along. */
export type CollectionSummary =
  | { name: string; images: number; captions: number; model: Pick<CollectionModel, 'path' | 'hash'>; bytes: number }
  | { name: string; error: { code: ErrorCode; message: string } };

/** One collection of a data folder. */
export interface CollectionPlace {
  /** Folder that holds the collections. */
  data: string;
  name: string;
}

/** Folders of these names hold what a process that died left behind: a deleted collection, one that was being imported. */
const DELETED = '.deleted-';
const STAGED = '.import-';

/** How old a folder without a lock must be to belong to no one: its maker takes the lock at once. */
const LOCK_MILLISECONDS = 60_000;

/** All collections, sorted by name. One that cannot be read is listed with what is wrong with it. */
export async function inspectCollections(data: string): Promise<CollectionSummary[]> {
  await sweep(data);
  const names = await listCollections(data);
  const summaries = await Promise.all(names.map((name) => inspect({ data, name })));
  return summaries.filter((summary) => summary !== null);
}

/** Null where it has gone meanwhile. */
async function inspect({ data, name }: CollectionPlace): Promise<CollectionSummary | null> {
  const folder = collectionFolder(data, name);
  try {
    const bytes = totalBytes(await measureCollection(folder));
    return { name, ...readSummary(folder), bytes };
  } catch (error) {
    if (!isCollection(folder)) return null;
    const explained = explainStoreError(error, folder);
    const code = explained instanceof PatchwordError ? explained.code : 'COLLECTION_DAMAGED';
    return { name, error: { code, message: messageOf(explained) } };
  }
}

function readSummary(folder: string) {
  const database = openDatabase(catalogFile(folder), CATALOG_STEPS);
  try {
    // Of tables as they have been since the first version: looking at a collection does not bring it up to date.
    const count = (table: string) =>
      database.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() as number;
    const model = database
      .prepare<[], { path: string; hash: string }>('SELECT model_path AS path, model_hash AS hash FROM meta')
      .get();
    if (!model) throw new PatchwordError('COLLECTION_DAMAGED', 'The catalog does not say which model it is bound to.');
    return { images: count('images'), captions: count('captions'), model };
  } finally {
    database.close();
  }
}

/**
 * Gives a collection another name. One rename of its folder: it has the one name or the other, whenever the process dies.
 *
 * @throws PatchwordError COLLECTION_NOT_FOUND; INVALID_ARGUMENT where the new name is taken, or is none; COLLECTION_BUSY
 * while another process, or this one, has the collection open
 */
export async function renameCollection({ data, name, to }: CollectionPlace & { to: string }): Promise<void> {
  const target = collectionFolder(data, to);
  await withAlone({ data, name }, async (folder) => {
    await requireFree({ data, name: to });
    await moveFolder(folder, target);
  });
}

/**
 * Deletes a collection: its catalog and all that was derived. Originals stay where they are, but pictures that an import
 * unpacked into the collection go with it. It is gone at once, or not at all, whenever the process dies.
 *
 * @throws PatchwordError COLLECTION_NOT_FOUND; COLLECTION_BUSY while another process, or this one, has it open;
 * INVALID_ARGUMENT where files are in its folder that Patchword did not make
 */
export async function deleteCollection({ data, name }: CollectionPlace): Promise<void> {
  const aside = path.join(collectionsFolder(data), DELETED + randomUUID());
  await withAlone({ data, name }, async (folder) => {
    const foreign = await foreignEntries(folder);
    if (foreign.length > 0) {
      throw new PatchwordError(
        'INVALID_ARGUMENT',
        `${folder} holds what Patchword did not make: ${foreign.slice(0, 5).join(', ')}.`,
        { hint: 'Move it elsewhere, and run the same command again.' },
      );
    }
    await moveFolder(folder, aside);
  });
  await removeFolder(aside);
  await sweep(data);
}

/** @throws PatchwordError INVALID_ARGUMENT where the name is taken */
export async function requireFree({ data, name }: CollectionPlace): Promise<void> {
  const folder = collectionFolder(data, name);
  if (!(await lstat(folder).catch(() => null))) return;
  const what = isCollection(folder) ? `There is a collection "${name}" already` : `${folder} is in the way`;
  throw new PatchwordError('INVALID_ARGUMENT', `${what}.`, {
    hint: isCollection(folder)
      ? `Choose another name, or delete it first: patchword collection delete ${name}`
      : 'Choose another name, or move it elsewhere.',
  });
}

/** A collection in the making, where no one finds it under its name. */
export interface StagedCollection {
  /** A data folder of its own, to make the collection in under the name that it will have. */
  data: string;
  /** Where it is until it is published, and where it will be. */
  folder: string;
  /** Gives the collection its place. It must be closed. @throws PatchwordError INVALID_ARGUMENT where the name was taken meanwhile */
  publish(): Promise<void>;
  /** Removes what was not published. */
  discard(): Promise<void>;
}

/**
 * Begins a collection that is to be there whole or not at all.
 *
 * @throws PatchwordError INVALID_ARGUMENT where the name is taken
 */
export async function stageCollection({ data, name }: CollectionPlace): Promise<StagedCollection> {
  await requireFree({ data, name });
  const staged = path.join(collectionsFolder(data), STAGED + randomUUID());
  makeFolder(staged);
  const lock = lockCollection(staged, 'write');
  const folder = collectionFolder(staged, name);
  makeFolder(folder);
  return {
    data: staged,
    folder,
    async publish() {
      await requireFree({ data, name });
      syncFolders(folder);
      await moveFolder(folder, collectionFolder(data, name));
    },
    async discard() {
      lock.release();
      await removeFolder(staged);
    },
  };
}

/** Removes what processes that died left behind. What cannot be removed now is left to the next. */
async function sweep(data: string): Promise<void> {
  const folder = collectionsFolder(data);
  for (const name of await readdir(folder).catch(() => [])) {
    const leftover = path.join(folder, name);
    const isLeft = name.startsWith(DELETED) || (name.startsWith(STAGED) && (await isAbandoned(leftover)));
    if (isLeft) await removeFolder(leftover).catch(() => undefined);
  }
}

async function isAbandoned(folder: string): Promise<boolean> {
  try {
    if (!existsSync(path.join(folder, 'lock.sqlite'))) {
      return Date.now() - (await stat(folder)).mtimeMs > LOCK_MILLISECONDS;
    }
    lockCollection(folder, 'alone').release();
    return true;
  } catch {
    return false;
  }
}

async function withAlone(place: CollectionPlace, work: (folder: string) => Promise<void>): Promise<void> {
  const { data, name } = place;
  const folder = collectionFolder(data, name);
  if (!isCollection(folder)) throw await collectionNotFound(data, name);
  let lock: Lock | undefined = lockCollection(folder, 'alone');
  try {
    // Windows moves no folder that holds an open file.
    if (process.platform === 'win32') lock = lock.release() as undefined;
    await work(folder);
  } finally {
    lock?.release();
  }
}

async function moveFolder(from: string, to: string): Promise<void> {
  try {
    await mkdir(path.dirname(to), { recursive: true });
    await rename(from, to);
    syncFolder(path.dirname(to));
  } catch (error) {
    throw explainSystemError(error, to);
  }
}

/** A collection may lie on another disk, with a link in its place. */
async function removeFolder(folder: string): Promise<void> {
  try {
    await rm(await realpath(folder), { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    throw explainSystemError(error, folder);
  }
}
