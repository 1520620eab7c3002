import { existsSync } from 'node:fs';
import { syncPath } from '../../folder.js';
import { PatchwordError } from '../../errors.js';
import { openDatabase, type Connection } from './database.js';
import { measureFile } from './manifest.js';
import { CATALOG_STEPS } from './schema.js';

/** A copy of a catalog: all that is truth in a collection, but for pictures that an import unpacked. */
export interface CatalogCopy {
  images: number;
  captions: number;
  bytes: number;
  /** SHA-256 of the file, hex. */
  checksum: string;
}

/**
 * Writes the catalog as it is at this moment to a file, while others go on reading and writing; then reads it back. One
 * snapshot: an online backup, SQLite's other way, begins again whenever another process has written.
 *
 * @param file must not be there
 * @throws PatchwordError INVALID_ARGUMENT where it is; COLLECTION_DAMAGED where the catalog cannot be copied whole, or the copy is not sound
 */
export function backupCatalog(database: Connection, file: string): CatalogCopy {
  // SQLite would fill an empty file.
  if (existsSync(file)) throw new PatchwordError('INVALID_ARGUMENT', `${file} is there already.`);
  database.prepare('VACUUM INTO ?').run(file);
  syncPath(file);
  const copy = openDatabase(file, CATALOG_STEPS);
  try {
    const fault = copy.pragma('integrity_check(1)', { simple: true }) as string;
    const loose = copy.pragma('foreign_key_check') as unknown[];
    if (fault !== 'ok' || loose.length > 0) {
      throw new PatchwordError(
        'COLLECTION_DAMAGED',
        `The copy of the catalog is not sound: ${fault === 'ok' ? 'rows refer to others that are not there' : fault}.`,
        { hint: 'See what is wrong with: patchword collection verify' },
      );
    }
    const count = (table: string) => copy.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() as number;
    return { images: count('images'), captions: count('captions'), ...measureFile(file) };
  } finally {
    copy.close();
  }
}
