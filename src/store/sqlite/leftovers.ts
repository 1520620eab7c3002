import { readdirSync } from 'node:fs';
import path from 'node:path';
import { isSameModel, type CollectionModel } from '../store.js';
import { removeDatabase } from './database.js';
import { readTarget, REINDEX_FILE } from './reindex.js';

const JOURNAL = /-(journal|wal|shm)$/;

/**
 * Files in a collection's folder that a process that died left there and no one goes on with: what was to take another's
 * place, and the embeddings of a reindex that was finished or cannot be read. Only for who holds the lock to write: anyone
 * else's may be in use.
 */
export function findLeftovers(folder: string, bound: CollectionModel): string[] {
  const names = readdirSync(folder);
  return names.filter((name) => {
    if (JOURNAL.test(name)) return !names.includes(name.replace(JOURNAL, ''));
    if (name !== REINDEX_FILE) return name.endsWith('.new');
    const target = readTarget(path.join(folder, name));
    return target === null || isSameModel(target, bound);
  });
}

export function removeLeftovers(folder: string, bound: CollectionModel): void {
  for (const name of findLeftovers(folder, bound)) removeDatabase(path.join(folder, name));
}
