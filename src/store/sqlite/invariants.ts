import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../../errors.js';
import { originalFile } from '../../original.js';
import type { Target } from '../store.js';
import type { Check } from './audit.js';
import { MAX_ID } from './catalog.js';
import { UNIT_TOLERANCE } from './check.js';
import { column, createInMemory, type Connection } from './database.js';
import { CATALOG_STEPS } from './schema.js';
import type { Tables } from './tables.js';

export interface InvariantOptions {
  database: Connection;
  tables: Tables;
  folder: string;
}

const TARGETS: readonly Target[] = ['images', 'captions'];

/** Tables whose ids are never reused. */
const NUMBERED = ['sources', 'images', 'files', 'captions'];

/** What must hold of the catalog's tables. Queries find what does not, a line each. */
export function catalogInvariants({ database, tables, folder }: InvariantOptions): Check[] {
  const count = (table: string) => column<[], number>(database, `SELECT count(*) FROM ${table}`).get()!;
  const bySql = (name: string, of: string, what: string, ...queries: string[]): Check => ({
    name,
    what,
    count: () => count(of),
    *find() {
      for (const query of queries) yield* column<[], string>(database, query).iterate();
    },
  });
  return [
    ...structure(database),
    {
      name: 'embeddings',
      what: 'embeddings are unit vectors of the collection’s dimension; an image without one has revision 0',
      count: () => count('images') + count('captions'),
      *find() {
        for (const target of TARGETS) yield* wrongEmbeddings(database, target);
      },
    },
    {
      ...bySql(
        'revisions',
        'meta',
        'no two vectors have the same revision, and none is above that of the catalog',
        ...TARGETS.map(
          (table) =>
            `SELECT '${table} ' || ${table}.id || ': revision ' || ${table}.revision || ' of ' || meta.revision
             FROM ${table}, meta WHERE ${table}.revision > meta.revision OR ${table}.revision < 0`,
        ),
        `SELECT 'revision ' || revision || ': ' || count(*) || ' vectors' FROM (
           SELECT revision FROM images UNION ALL SELECT revision FROM captions
         ) WHERE revision > 0 GROUP BY revision HAVING count(*) > 1`,
      ),
      count: () => count('images') + count('captions'),
    },
    {
      ...bySql(
        'ids',
        'images',
        `ids are from 1 to ${MAX_ID} and were given out by the catalog`,
        ...NUMBERED.map(
          (table) =>
            `SELECT '${table} ' || id FROM ${table}
             WHERE id NOT BETWEEN 1 AND min(${MAX_ID}, ifnull((SELECT seq FROM sqlite_sequence WHERE name = '${table}'), 0))`,
        ),
      ),
      count: () => NUMBERED.reduce((sum, table) => sum + count(table), 0),
    },
    bySql(
      'contents',
      'images',
      'an image is known by the SHA-256 of its content, and has a size',
      `SELECT 'image ' || id FROM images WHERE length(content_hash) <> 64 OR content_hash GLOB '*[^0-9a-f]*'
         OR bytes < 0 OR width < 1 OR height < 1`,
    ),
    bySql(
      'files',
      'images',
      'every image lies in a file',
      `SELECT 'image ' || id FROM images WHERE NOT EXISTS (SELECT 1 FROM files WHERE image_id = images.id)`,
    ),
    bySql(
      'captions',
      'captions',
      'every caption is given by a file, and a file gives captions of its image',
      `SELECT 'caption ' || id FROM captions WHERE NOT EXISTS (SELECT 1 FROM file_captions WHERE caption_id = captions.id)`,
      `SELECT 'file ' || files.id || ', caption ' || captions.id FROM file_captions JOIN files ON files.id = file_id
       JOIN captions ON captions.id = caption_id WHERE captions.image_id <> files.image_id`,
    ),
    bySql(
      'positions',
      'file_captions',
      'the captions of a file are numbered from 0 without a gap',
      `SELECT 'file ' || file_id FROM file_captions GROUP BY file_id
       HAVING min(position) <> 0 OR max(position) <> count(*) - 1`,
    ),
    bySql(
      'locations',
      'files',
      'a location names a file, or a range or a row of one',
      `SELECT 'file ' || id FROM files WHERE location IS NOT NULL AND NOT ifnull(CASE WHEN json_valid(location) THEN
         json_type(location) = 'object' AND json_type(location, '$.file') = 'text' AND (
           json_type(location, '$.offset') = 'integer' AND json_type(location, '$.bytes') = 'integer'
           OR json_type(location, '$.row') = 'integer' AND json_type(location, '$.column') = 'text'
           OR NOT EXISTS (SELECT 1 FROM json_each(location) WHERE key <> 'file'))
       END, 0)`,
    ),
    bySql(
      'attributes',
      'files',
      'attributes are JSON scalars by name, and options of a source are JSON',
      `SELECT 'file ' || id FROM files WHERE NOT ifnull(CASE WHEN json_valid(attributes) THEN
         json_type(attributes) = 'object'
         AND NOT EXISTS (SELECT 1 FROM json_each(attributes) WHERE type IN ('object', 'array'))
       END, 0)`,
      `SELECT 'source ' || id FROM sources
       WHERE NOT ifnull(CASE WHEN json_valid(options) THEN json_type(options) = 'object' END, 0)`,
    ),
    bySql(
      'removed',
      'removed',
      'what was removed is not there',
      `SELECT 'image ' || id FROM images JOIN removed USING (content_hash)`,
    ),
    {
      name: 'pictures',
      what: 'pictures that an import unpacked are there and unchanged',
      count: () => ownSources(tables, folder).reduce((sum, { files }) => sum + files, 0),
      find: () => wrongPictures(tables, folder),
      advice:
        'They are kept nowhere else but in the file they were imported from, and in backups: import one of these.',
    },
  ];
}

/** What SQLite itself can tell. */
function structure(database: Connection): Check[] {
  const faults = () =>
    (database.pragma('integrity_check(1000)') as { integrity_check: string }[])
      .map(({ integrity_check: line }) => line)
      .filter((line) => line !== 'ok' && !/fts5/i.test(line)); // The check of words is one of its own.
  const isIndex = (line: string) =>
    /missing from index|wrong # of entries in index|non-unique entry in index/.test(line);
  return [
    {
      name: 'integrity',
      what: 'SQLite finds the catalog sound',
      count: () => database.pragma('page_count', { simple: true }) as number,
      find: faults,
      repair() {
        // An index is derived; anything else is not.
        if (faults().every(isIndex)) database.exec('REINDEX');
      },
    },
    {
      name: 'references',
      what: 'rows refer to rows that are there',
      count: () => NUMBERED.length,
      *find() {
        for (const { table, rowid, parent } of database.pragma('foreign_key_check') as Reference[]) {
          yield `${table} ${rowid ?? ''}: no such row of ${parent}`;
        }
      },
    },
    {
      name: 'schema',
      what: 'the catalog has the tables of this version and no others',
      count: () => schemaOf(database).size,
      *find() {
        const expected = expectedSchema();
        const found = schemaOf(database);
        for (const [name, sql] of expected) if (found.get(name) !== sql) yield name;
        for (const name of found.keys()) if (!expected.has(name)) yield name;
      },
    },
  ];
}

interface Reference {
  table: string;
  rowid: number | null;
  parent: string;
}

function schemaOf(database: Connection): Map<string, string> {
  const rows = database
    .prepare<[], { name: string; sql: string }>(
      `SELECT type || ' ' || name AS name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
    )
    .all();
  return new Map(rows.map(({ name, sql }) => [name, sql]));
}

function expectedSchema(): Map<string, string> {
  const database = createInMemory(CATALOG_STEPS);
  try {
    return schemaOf(database);
  } finally {
    database.close();
  }
}

function* wrongEmbeddings(database: Connection, target: Target): Generator<string> {
  const dimension = column<[], number>(database, 'SELECT dimension FROM meta').get()!;
  const rows = database.prepare<[], { id: number; revision: number; embedding: Buffer }>(
    `SELECT id, revision, embedding FROM ${target}`,
  );
  for (const { id, revision, embedding } of rows.iterate()) {
    const fault = embeddingFault({ target, revision, embedding, dimension });
    if (fault) yield `${target} ${id}: ${fault}`;
  }
}

function embeddingFault(row: {
  target: Target;
  revision: number;
  embedding: Buffer;
  dimension: number;
}): string | null {
  const { target, revision, embedding, dimension } = row;
  if (revision === 0 && target === 'images') return embedding.length === 0 ? null : 'an embedding of revision 0';
  if (revision === 0) return 'no embedding';
  if (embedding.length !== 4 * dimension) return `${embedding.length} bytes, expected ${4 * dimension}`;
  let squares = 0;
  for (let at = 0; at < embedding.length; at += 4) squares += embedding.readFloatLE(at) ** 2;
  if (!Number.isFinite(squares)) return 'a value that is not finite';
  return Math.abs(Math.sqrt(squares) - 1) > UNIT_TOLERANCE ? `length ${Math.sqrt(squares)}` : null;
}

/** Sources whose pictures lie in the collection's own folder. */
function ownSources(tables: Tables, folder: string) {
  return tables.sources.list().filter(({ root }) => root.startsWith(folder + path.sep));
}

async function* wrongPictures(tables: Tables, folder: string): AsyncGenerator<string> {
  for (const { sourceId, root } of ownSources(tables, folder)) {
    for (let after = 0; ;) {
      const page = tables.files.scan({ sourceId, after, limit: 100 });
      for (const { location, contentHash, file } of page) {
        const fault = await pictureFault(originalFile(root, location), contentHash);
        if (fault) yield `${file}: ${fault}`;
      }
      const last = page.at(-1);
      if (!last) break;
      after = last.fileId;
    }
  }
}

async function pictureFault(file: string, contentHash: string): Promise<string | null> {
  const hash = createHash('sha256');
  try {
    for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  } catch (error) {
    return messageOf(error);
  }
  return hash.digest('hex') === contentHash ? null : 'it has changed';
}
