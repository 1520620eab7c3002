import { readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { syncFolder, syncPath } from '../../folder.js';
import { explainSystemError, PatchwordError } from '../../errors.js';

export type Connection = Database.Database;
export type Statement<Parameters extends unknown[], Row> = Database.Statement<Parameters, Row>;

/** A query whose rows are one column's values. */
export function column<P extends unknown[], V>(database: Connection, source: string): Statement<P, V> {
  return database.prepare<P, V>(source).pluck();
}

/** How long a statement waits for another process to finish its own. */
const BUSY_TIMEOUT = 5000; // milliseconds

/**
 * Opens a database that is there, for reading until `beginWriting`. In a folder that cannot be written it still reads.
 *
 * @throws PatchwordError FILE_NOT_FOUND where it cannot be read; COLLECTION_DAMAGED where it is empty, or written by a
 * newer Patchword
 */
export function openDatabase(file: string, steps: readonly string[]): Connection {
  const database = connect(file);
  try {
    checkVersion(database, file, steps);
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

function connect(file: string): Connection {
  let database: Connection | undefined;
  try {
    database = new Database(file, { fileMustExist: true, timeout: BUSY_TIMEOUT });
    readVersion(database);
    return database;
  } catch (error) {
    database?.close();
    if (codeOf(error) === 'SQLITE_READONLY_DIRECTORY') return openFromMemory(file);
    if (!codeOf(error).startsWith('SQLITE_CANTOPEN')) throw error;
    throw new PatchwordError('FILE_NOT_FOUND', `${file} is not there or cannot be read.`, {
      hint: 'Check its permissions and those of its folder.',
      cause: error,
    });
  }
}

/**
 * A database in WAL mode wants files beside it, which a read-only folder refuses. With no WAL there, the file is all
 * there is: reading it whole, with the two header bytes that say "WAL" set to "no WAL", needs nothing beside it.
 */
function openFromMemory(file: string): Connection {
  const bytes = readFileSync(file);
  bytes.fill(1, 18, 20); // https://sqlite.org/fileformat.html#file_format_version_numbers
  return new Database(bytes, { readonly: true });
}

/** A database in memory, made by `sql`. */
export function openScratch(sql: string): Connection {
  const database = new Database(':memory:');
  database.exec(sql);
  return database;
}

/** Makes a database at once or not at all: it is filled under another name and gets its own when it is whole. */
export function createDatabase(file: string, steps: readonly string[], fill: (database: Connection) => void): void {
  const temporary = `${file}.new`;
  removeDatabase(temporary); // Left by a process that died; its journal would be taken for the new one's.
  const database = new Database(temporary);
  try {
    database.transaction(() => {
      migrate(database, steps);
      fill(database);
    })();
  } finally {
    database.close();
  }
  // Of one that was there before, left by a process that died while it removed that: SQLite would take it for this one's.
  removeJournals(file);
  replaceFile(temporary, file);
}

/** A database as `createDatabase` makes it, in memory. */
export function createInMemory(steps: readonly string[]): Connection {
  const database = new Database(':memory:');
  migrate(database, steps);
  return database;
}

/**
 * WAL, so that readers go on while one process writes; `synchronous = FULL`, because with NORMAL a power cut may undo
 * the last commits, and an image that was acknowledged must not be lost. A cache that can be lost takes NORMAL.
 */
export function beginWriting(database: Connection, synchronous: 'FULL' | 'NORMAL'): void {
  database.pragma('journal_mode = WAL');
  database.pragma(`synchronous = ${synchronous}`);
  database.pragma('foreign_keys = ON');
}

/**
 * Closes, and where no one else has the database open leaves it without WAL, so that it can be read in a read-only folder.
 */
export function closeDatabase(database: Connection): void {
  try {
    database.pragma('busy_timeout = 0');
    database.pragma('journal_mode = DELETE');
  } catch {
    // In use elsewhere, or read-only: it stays as it is.
  } finally {
    database.close();
  }
}

/**
 * Writes a database anew without the room of what was removed, and gives that back. Whoever reads it goes on; where the process
 * dies the database is as it was.
 */
export function vacuum(database: Connection): void {
  database.exec('VACUUM');
  database.pragma('wal_checkpoint(TRUNCATE)');
}

/** Removes a database and the files that SQLite keeps beside it. */
export function removeDatabase(file: string): void {
  rmSync(file, { force: true });
  removeJournals(file);
}

function removeJournals(file: string): void {
  for (const suffix of ['-journal', '-wal', '-shm']) rmSync(file + suffix, { force: true });
}

function readVersion(database: Connection): number {
  return database.pragma('user_version', { simple: true }) as number;
}

function checkVersion(database: Connection, file: string, steps: readonly string[]): void {
  const version = readVersion(database);
  if (version > steps.length) {
    throw new PatchwordError(
      'COLLECTION_DAMAGED',
      `${file} was written by a newer Patchword (its version is ${version}, this program knows ${steps.length}).`,
      { hint: 'Upgrade Patchword, or index into a collection of another name.' },
    );
  }
  if (version === 0) {
    throw new PatchwordError('COLLECTION_DAMAGED', `${file} is empty: it holds no collection.`, {
      hint: 'Put it back from a backup, or index into a collection of another name.',
    });
  }
}

/** Whether `migrate` has steps to take. */
export function isOutdated(database: Connection, steps: readonly string[]): boolean {
  return readVersion(database) < steps.length;
}

/** Takes the steps that the database lacks, all or none. */
export function migrate(database: Connection, steps: readonly string[]): void {
  // A table that gives way to another would take along what refers to it. Inside a transaction this does nothing: a new
  // database has nothing to lose.
  database.pragma('foreign_keys = OFF');
  try {
    database.transaction(() => {
      for (const step of steps.slice(readVersion(database))) database.exec(step);
      database.pragma(`user_version = ${steps.length}`);
    })();
  } finally {
    database.pragma('foreign_keys = ON');
  }
}

/** A lock on a file; the operating system lets go of it when the process dies. */
export interface Lock {
  release(): void;
}

const LOCKS = {
  /** Any number hold it; beside them one may hold the reserved lock. */
  shared: { begin: 'BEGIN; SELECT count(*) FROM sqlite_schema', timeout: 1000 },
  reserved: { begin: 'BEGIN IMMEDIATE', timeout: 0 },
  /** No one else holds any. */
  exclusive: { begin: 'BEGIN EXCLUSIVE', timeout: 0 },
} as const;

/**
 * Holds a lock on a file, of SQLite's own kinds (https://sqlite.org/lockingv3.html), until released. For a shared one it
 * waits a little: whoever tries for the exclusive lock is in the way for a moment.
 */
export function lockFile(file: string, kind: keyof typeof LOCKS): Lock {
  const { begin, timeout } = LOCKS[kind];
  const database = new Database(file, { timeout });
  try {
    database.exec(begin);
  } catch (error) {
    database.close();
    throw error;
  }
  return { release: () => void database.close() };
}

/** Puts a new file in an old one's place such that after a crash or power cut there is one or the other, whole. */
export function replaceFile(from: string, to: string): void {
  syncPath(from);
  renameSync(from, to);
  syncFolder(path.dirname(to));
}

/** Whether an error says that a database's content is no longer what SQLite wrote. */
export function isDamage(error: unknown): boolean {
  return codeOf(error).startsWith('SQLITE_CORRUPT') || codeOf(error) === 'SQLITE_NOTADB';
}

/** Whether an error says that another holds a lock that is wanted. */
export function isBusy(error: unknown): boolean {
  return codeOf(error).startsWith('SQLITE_BUSY');
}

/** What SQLite and the file system throw, as errors that a user can act on. */
export function explainStoreError(error: unknown, folder: string): unknown {
  const code = codeOf(error);
  if (isDamage(error) || (code.startsWith('SQLITE_IOERR') && code !== 'SQLITE_IOERR_SHMSIZE')) {
    return new PatchwordError('COLLECTION_DAMAGED', `The catalog in ${folder} cannot be read or written (${code}).`, {
      hint: 'Nothing was deleted. Check the disk and put catalog.sqlite back from a backup, or index into a collection of another name.',
      cause: error,
    });
  }
  if (isBusy(error)) {
    return new PatchwordError('COLLECTION_BUSY', `Another process is writing to the collection in ${folder}.`, {
      hint: 'Wait until it has finished, and run the same command again.',
      cause: error,
    });
  }
  const explained = explainSystemError({ code: plainCode(code) }, folder);
  return explained instanceof PatchwordError
    ? new PatchwordError(explained.code, explained.message, { hint: explained.hint, cause: error })
    : error;
}

/** SQLite's extended codes add to the plain ones: SQLITE_READONLY_DBMOVED, SQLITE_CANTOPEN_ISDIR. */
function plainCode(code: string): string {
  if (code === 'SQLITE_IOERR_SHMSIZE') return 'SQLITE_FULL'; // The memory that a WAL's readers share is a file too.
  return ['SQLITE_READONLY', 'SQLITE_CANTOPEN'].find((prefix) => code.startsWith(prefix)) ?? code;
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}
