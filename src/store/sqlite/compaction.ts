import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PatchwordError } from '../../errors.js';
import type { CollectionModel } from '../store.js';
import type { Catalog } from './catalog.js';
import { vacuum, type Connection } from './database.js';
import { measureCollection, type CollectionBytes } from './folders.js';
import type { InputCache, InputKey } from './inputs.js';
import { removeLeftovers } from './leftovers.js';
import { readManifest } from './manifest.js';
import { readTarget, REINDEX_FILE } from './reindex.js';
import type { Tables } from './tables.js';
import { removeThumbnails } from './thumbnails.js';

/** Bytes on disk, before and after. */
export interface Compaction {
  before: CollectionBytes;
  after: CollectionBytes;
}

export interface CompactionOptions {
  database: Connection;
  catalog: Catalog;
  tables: Tables;
  inputs: InputCache;
  folder: string;
  rebuildVectors: () => Promise<void>;
}

/** What SQLite writes beside a database while it writes it anew, as a share of it: a little more than a copy. */
const ROOM = 1.1;

/**
 * Gives back room that a collection no longer needs: of rows that were removed, of model inputs and thumbnails that no image has, of
 * vectors that are only marked as deleted. Only for who holds the lock to write. Each step is whole or not at all, so that the
 * process may die at any moment.
 *
 * @throws PatchwordError DISK_FULL before anything is written
 */
export async function compact(options: CompactionOptions): Promise<Compaction> {
  const { database, catalog, inputs, folder } = options;
  const before = await measureCollection(folder);
  requireRoom(folder, ROOM * Math.max(before.catalog, before.modelInputs));
  removeLeftovers(folder, catalog.model);
  const next = readTarget(path.join(folder, REINDEX_FILE))?.inputSize;
  const sizes = [catalog.model.inputSize, ...(next === undefined ? [] : [next])];
  inputs.compact((key) => isWanted(options, sizes, key));
  removeThumbnails(folder, (contentHash) => !hasImage(options, contentHash));
  vacuum(database);
  if (holdsDeleted(folder, catalog)) await options.rebuildVectors();
  return { before, after: await measureCollection(folder) };
}

/** Of an image that is there, in a size that the collection's model reads, or the next one. */
function isWanted(options: CompactionOptions, sizes: string[], { contentHash, inputSize }: InputKey): boolean {
  return hasImage(options, contentHash) && sizes.includes(inputSize);
}

function hasImage({ tables }: CompactionOptions, contentHash: string): boolean {
  return typeof tables.images.findContents([contentHash])[0] === 'number';
}

function holdsDeleted(folder: string, catalog: Catalog): boolean {
  const model: CollectionModel = catalog.model;
  const entries = readManifest(folder, model);
  return (['images', 'captions'] as const).some((target) => {
    const entry = entries[target];
    if (!entry) return false;
    const newer = catalog.idsSince(target, entry.revision).length;
    return entry.count > catalog.searchableCount(target) - newer;
  });
}

/** SQLite writes a copy to the folder for temporary files, and then back through the journal beside the database. */
export function requireRoom(folder: string, bytes: number, temporary = sqliteFolder()): void {
  const together = statSync(folder).dev === statSync(temporary).dev;
  for (const place of together ? [folder] : [folder, temporary]) {
    const { bavail, bsize } = statfsSync(place);
    const needed = together ? 2 * bytes : bytes;
    if (bavail * bsize >= needed) continue;
    const megabytes = (count: number) => `${Math.ceil(count / 1e6)} MB`;
    const elsewhere = together || place === temporary;
    throw new PatchwordError(
      'DISK_FULL',
      `Compacting needs ${megabytes(needed)} free in ${place}; there are ${megabytes(bavail * bsize)}.`,
      { hint: elsewhere ? 'Free some space, or name a folder on another disk in TMPDIR.' : 'Free some space.' },
    );
  }
}

/** Where SQLite writes temporary files: the first of its list that is there and may be written (`unixTempFileDir`). */
export function sqliteFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { SQLITE_TMPDIR, TMPDIR } = environment;
  const found = [SQLITE_TMPDIR, TMPDIR, '/var/tmp', '/usr/tmp', '/tmp'].find(
    (place) => place && isWritableFolder(place),
  );
  return found ?? tmpdir(); // Windows decides for itself.
}

function isWritableFolder(place: string): boolean {
  try {
    accessSync(place, constants.W_OK | constants.X_OK);
    return statSync(place).isDirectory();
  } catch {
    return false;
  }
}
