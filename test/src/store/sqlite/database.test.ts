import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PatchwordError } from '../../../../src/errors.js';
import {
  beginWriting,
  closeDatabase,
  createDatabase,
  explainStoreError,
  isOutdated,
  lockFile,
  migrate,
  openDatabase,
} from '../../../../src/store/sqlite/database.js';
import { temporaryFolder } from '../../../fixture.js';

const STEPS = [
  'CREATE TABLE notes (text TEXT NOT NULL) STRICT',
  "ALTER TABLE notes ADD COLUMN author TEXT DEFAULT 'nobody'",
];

/** What a caller of the store would see of an error thrown by `run`. */
function explained(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return explainStoreError(error, '/the/folder');
  }
  return assert.fail('nothing was thrown');
}

function codeOf(run: () => unknown): unknown {
  const error = explained(run);
  return error instanceof PatchwordError ? error.code : error;
}

describe('database', () => {
  const folder = temporaryFolder();
  let files = 0;
  const newFile = () => path.join(folder.path, `${files++}.sqlite`);
  const make = (steps = STEPS) => {
    const file = newFile();
    createDatabase(file, steps, (database) => database.exec("INSERT INTO notes (text) VALUES ('first')"));
    return file;
  };

  it('is made whole or not at all', () => {
    const file = newFile();
    assert.throws(() =>
      createDatabase(file, STEPS, () => {
        throw new Error('half way');
      }),
    );
    assert.ok(!existsSync(file));
    createDatabase(file, STEPS, () => {});
    assert.equal(readFileSync(file).toString('latin1', 0, 15), 'SQLite format 3');
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name.startsWith(`${path.basename(file)}`)),
      [path.basename(file)],
    );
  });

  it('is made where a process died making it', () => {
    const file = newFile();
    for (const suffix of ['.new', '.new-journal']) writeFileSync(file + suffix, 'left behind '.repeat(1000));
    createDatabase(file, STEPS, () => {});
    const database = openDatabase(file, STEPS);
    assert.deepEqual(database.prepare('SELECT * FROM notes').all(), []);
    database.close();
    assert.ok(!existsSync(`${file}.new-journal`));
  });

  it('is made where a process died removing another of its name', () => {
    const file = make();
    const other = openDatabase(file, STEPS);
    beginWriting(other, 'FULL');
    other.exec("INSERT INTO notes (text) VALUES ('of another')");
    const wal = readFileSync(`${file}-wal`);
    other.close();
    rmSync(file);
    writeFileSync(`${file}-wal`, wal);
    createDatabase(file, STEPS, () => {});
    const database = openDatabase(file, STEPS);
    assert.deepEqual(database.prepare('SELECT * FROM notes').all(), []);
    database.close();
  });

  it('takes the steps that it lacks, keeping what it holds', () => {
    const file = make(STEPS.slice(0, 1));
    const database = openDatabase(file, STEPS);
    assert.ok(isOutdated(database, STEPS));
    migrate(database, STEPS);
    assert.ok(!isOutdated(database, STEPS));
    assert.deepEqual(database.prepare('SELECT * FROM notes').all(), [{ text: 'first', author: 'nobody' }]);
    migrate(database, STEPS);
    database.close();
  });

  it('takes all steps or none', () => {
    const database = openDatabase(make(STEPS.slice(0, 1)), STEPS);
    assert.throws(() => migrate(database, [...STEPS, 'CREATE TABLE notes (twice)']));
    assert.deepEqual(database.prepare('SELECT * FROM notes').all(), [{ text: 'first' }]);
    migrate(database, STEPS);
    database.close();
  });

  it('refuses what a newer program wrote, saying to upgrade', () => {
    const error = explained(() => openDatabase(make(), STEPS.slice(0, 1)));
    assert.ok(error instanceof PatchwordError && error.code === 'COLLECTION_DAMAGED');
    assert.match(`${error.message} ${error.hint}`, /newer Patchword.*Upgrade/s);
  });

  it('refuses a file that is not a database, is empty or is not there, and leaves it as it is', () => {
    for (const content of ['', 'not a database, but long enough to hold the header of one: '.repeat(20)]) {
      const file = newFile();
      writeFileSync(file, content);
      assert.equal(
        codeOf(() => openDatabase(file, STEPS)),
        'COLLECTION_DAMAGED',
      );
      assert.equal(readFileSync(file, 'utf8'), content);
    }
    const file = newFile();
    assert.throws(() => openDatabase(file, STEPS), { code: 'FILE_NOT_FOUND' });
    assert.ok(!existsSync(file));
  });

  it('makes every commit durable before it is acknowledged', () => {
    const database = openDatabase(make(), STEPS);
    beginWriting(database, 'FULL');
    assert.equal(database.pragma('journal_mode', { simple: true }), 'wal');
    assert.equal(database.pragma('synchronous', { simple: true }), 2);
    assert.equal(database.pragma('foreign_keys', { simple: true }), 1);
    database.close();
  });

  it('needs no other file once it is closed', () => {
    const file = make();
    const writer = openDatabase(file, STEPS);
    beginWriting(writer, 'FULL');
    const reader = openDatabase(file, STEPS);
    writer.exec("INSERT INTO notes (text) VALUES ('second')");
    closeDatabase(writer); // while the reader is still there
    assert.deepEqual(reader.prepare('SELECT count(*) AS count FROM notes').get(), { count: 2 });
    closeDatabase(reader);
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name.startsWith(path.basename(file))),
      [path.basename(file)],
    );
    assert.equal(readFileSync(file)[18], 1, 'and says so in its header');
  });

  it('says that the disk is full', () => {
    const database = openDatabase(make(), STEPS);
    database.pragma('max_page_count = 4');
    const error = explained(() => database.prepare('INSERT INTO notes (text) VALUES (?)').run('x'.repeat(1e6)));
    assert.ok(error instanceof PatchwordError && error.code === 'DISK_FULL');
    assert.match(error.message, /the\/folder/);
    assert.deepEqual(database.prepare('SELECT text FROM notes').all(), [{ text: 'first' }]);
    database.close();
  });

  it('says that it may not write', () => {
    const database = openDatabase(make(), STEPS);
    database.pragma('query_only = ON');
    assert.equal(
      codeOf(() => database.exec('DELETE FROM notes')),
      'READ_ONLY',
    );
    database.close();
  });

  it('holds a lock until it is released', () => {
    const file = newFile();
    const lock = lockFile(file, 'reserved');
    assert.equal(
      codeOf(() => lockFile(file, 'reserved')),
      'COLLECTION_BUSY',
    );
    lock.release();
    lockFile(file, 'reserved').release();
  });

  it('lets errors that are not its own pass as they are', () => {
    const bug = new TypeError('a bug');
    assert.equal(explainStoreError(bug, '/the/folder'), bug);
    const busy = new PatchwordError('INVALID_ARGUMENT', 'no');
    assert.equal(explainStoreError(busy, '/the/folder'), busy);
    assert.equal(explainStoreError(undefined, '/the/folder'), undefined);
  });
});
