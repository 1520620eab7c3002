import { PatchwordError } from '../../errors.js';
import { isSameModel, type CollectionModel, type Target } from '../store.js';
import { column, type Connection, type Statement } from './database.js';

/** hnswlib's labels are ids cut to 32 bits, without a word when one does not fit. */
export const MAX_ID = 2 ** 32 - 1;

interface VectorRow {
  id: number;
  embedding: Uint8Array;
}

interface VectorPage {
  after: number;
  until: number;
  limit: number;
}

/** catalog.sqlite, the truth of a collection: its binding, its transactions, and its vectors by revision. */
export class Catalog {
  private readonly sql;
  /** What the collection was bound to when it was opened, or when this process last bound it. */
  private bound: CollectionModel;
  private removals: Record<Target, Statement<[], number>> | undefined;

  constructor(private readonly database: Connection) {
    this.sql = statements(database);
    this.bound = this.sql.model.get()!;
  }

  /** Runs `run` on one snapshot of the catalog. */
  read<T>(run: () => T): T {
    return this.database.inTransaction ? run() : this.database.transaction(run)();
  }

  get model(): CollectionModel {
    return this.bound;
  }

  /** @throws PatchwordError MODEL_MISMATCH where another process has bound the collection to another model meanwhile */
  requireBinding(): void {
    const now = this.sql.model.get()!;
    if (isSameModel(now, this.bound) && now.dimension === this.bound.dimension) return;
    throw new PatchwordError(
      'MODEL_MISMATCH',
      `The collection was reindexed with the model ${now.path} since it was opened with ${this.bound.path}.`,
      { hint: 'Open it again: run the same command again.' },
    );
  }

  /** From here on the collection is what the catalog now says. */
  rebind(): void {
    this.bound = this.sql.model.get()!;
  }

  /** Grows with every vector that is written or removed. */
  revision(): number {
    return this.sql.revision.get()!;
  }

  count(target: Target): number {
    return this.sql[target].count.get()!;
  }

  /** How many have a vector. */
  searchableCount(target: Target): number {
    return this.sql[target].searchableCount.get()!;
  }

  /** Ids of all that have a vector. */
  ids(target: Target): number[] {
    return this.sql[target].ids.all();
  }

  /** Ids of what this connection has removed since it was asked last: of all that is left, looking for them takes long. */
  takeRemoved(target: Target): number[] {
    return this.removals?.[target].all() ?? [];
  }

  revisionOf(target: Target, id: number): number | undefined {
    return this.sql[target].revision.get(id);
  }

  /** Ids of the vectors written after a revision. */
  idsSince(target: Target, revision: number): number[] {
    return this.sql[target].idsSince.all(revision);
  }

  /** The vectors written after a revision, in the order they were written. */
  *vectorsSince(target: Target, revision: number): Generator<{ id: number; vector: Float32Array }> {
    for (const { id, embedding } of this.sql[target].since.iterate(revision)) {
      yield { id, vector: this.vectorIn(target, id, embedding) };
    }
  }

  /** The next vectors written after a revision, and up to another, in the order they were written. */
  vectorPage(target: Target, page: VectorPage): { id: number; revision: number; vector: Float32Array }[] {
    return this.sql[target].page
      .all(page)
      .map(({ id, revision, embedding }) => ({ id, revision, vector: this.vectorIn(target, id, embedding) }));
  }

  /** undefined where there is none of that id, or it has none. */
  vectorOf(target: Target, id: number): Float32Array | undefined {
    const embedding = this.sql[target].embedding.get(id);
    return embedding?.byteLength ? this.vectorIn(target, id, embedding) : undefined;
  }

  /** Up to `count` vectors, evenly spread over the ids. */
  sampleVectors(target: Target, count: number): Float32Array[] {
    const { first, last } = this.sql[target].bounds.get()!;
    const starts = Array.from({ length: count }, (_, i) => first + Math.floor(((last - first + 1) * i) / count));
    const ids = new Set(starts.map((start) => this.sql[target].idFrom.get(start)));
    return [...ids].flatMap((id) => (id === undefined ? [] : (this.vectorOf(target, id)?.slice() ?? [])));
  }

  private vectorIn(target: Target, id: number, embedding: Uint8Array): Float32Array {
    const { dimension } = this.model;
    if (embedding.byteLength !== 4 * dimension) throw damagedEmbedding(target, id, embedding.byteLength, dimension);
    return new Float32Array(embedding.buffer, embedding.byteOffset, dimension);
  }

  /**
   * Runs `run` in one transaction that other writers wait for: all of it or nothing. It takes a new revision for each vector
   * that it writes, and one where it removes any.
   */
  write<T>(run: (next: () => number) => T): T {
    this.removals ??= noteRemovals(this.database);
    return this.database
      .transaction(() => {
        const before = this.revision();
        let revision = before;
        const result = run(() => ++revision);
        if (revision !== before) this.sql.setRevision.run(revision);
        return result;
      })
      .immediate();
  }
}

/** Binds a new catalog to its model. */
export function bindModel(database: Connection, model: CollectionModel): void {
  database
    .prepare(
      `INSERT INTO meta (id, model_path, model_hash, prefilter_hash, dimension, input_size)
       VALUES (1, :path, :hash, :prefilterHash, :dimension, :inputSize)`,
    )
    .run(model);
}

/** From here on a connection keeps the ids of what it removes, of which none is ever given again. */
function noteRemovals(database: Connection): Record<Target, Statement<[], number>> {
  const note = (table: Target) => {
    database.exec(
      `CREATE TEMP TABLE IF NOT EXISTS removed_${table} (id INTEGER PRIMARY KEY);
       CREATE TEMP TRIGGER IF NOT EXISTS note_${table} AFTER DELETE ON main.${table}
         BEGIN INSERT OR IGNORE INTO removed_${table} VALUES (old.id); END;`,
    );
    return column<[], number>(database, `DELETE FROM removed_${table} RETURNING id`);
  };
  return { images: note('images'), captions: note('captions') };
}

/** The columns of `meta` that say what a catalog is bound to. */
export const MODEL_COLUMNS =
  'model_path AS path, model_hash AS hash, prefilter_hash AS prefilterHash, dimension, input_size AS inputSize';

/** @throws PatchwordError INVALID_ARGUMENT for an id that cannot be a label of a vector */
export function checkedId(id: number | bigint): number {
  if (id <= MAX_ID) return Number(id);
  throw new PatchwordError('INVALID_ARGUMENT', `The collection has used up its ${MAX_ID} ids.`, {
    hint: 'Index into a collection of another name.',
  });
}

function damagedEmbedding(target: Target, id: number, bytes: number, dimension: number): PatchwordError {
  const message = `Row ${id} of ${target} holds an embedding of ${bytes} bytes, expected ${4 * dimension}.`;
  return new PatchwordError('COLLECTION_DAMAGED', message, { hint: 'Put catalog.sqlite back from a backup.' });
}

function statements(database: Connection) {
  const vectors = (table: Target, counts: { all: string; searchable: string }) => ({
    count: column<[], number>(database, `SELECT ${counts.all} FROM meta`),
    searchableCount: column<[], number>(database, `SELECT ${counts.searchable} FROM meta`),
    ids: column<[], number>(database, `SELECT id FROM ${table} WHERE revision > 0`),
    revision: column<[number], number>(database, `SELECT revision FROM ${table} WHERE id = ?`),
    idsSince: column<[number], number>(database, `SELECT id FROM ${table} WHERE revision > ?`),
    since: database.prepare<[number], VectorRow>(
      `SELECT id, embedding FROM ${table} WHERE revision > ? ORDER BY revision`,
    ),
    page: database.prepare<[VectorPage], VectorRow & { revision: number }>(
      `SELECT id, revision, embedding FROM ${table} WHERE revision > :after AND revision <= :until
       ORDER BY revision LIMIT :limit`,
    ),
    embedding: column<[number], Uint8Array>(database, `SELECT embedding FROM ${table} WHERE id = ?`),
    bounds: database.prepare<[], { first: number; last: number }>(
      `SELECT (SELECT min(id) FROM ${table}) AS first, (SELECT max(id) FROM ${table}) AS last`,
    ),
    idFrom: column<[number], number>(
      database,
      `SELECT id FROM ${table} WHERE id >= ? AND revision > 0 ORDER BY id LIMIT 1`,
    ),
  });
  return {
    images: vectors('images', { all: 'images', searchable: 'searchable_images' }),
    captions: vectors('captions', { all: 'captions', searchable: 'captions' }), // A reindex leaves none without.
    model: database.prepare<[], CollectionModel>(`SELECT ${MODEL_COLUMNS} FROM meta`),
    revision: column<[], number>(database, 'SELECT revision FROM meta'),
    setRevision: database.prepare<[number]>('UPDATE meta SET revision = ?'),
  };
}
