import { PatchwordError } from '../../errors.js';
import {
  isSameModel,
  type CaptionRecord,
  type CollectionModel,
  type ImageRecord,
  type Source,
  type StoredCaption,
  type StoredImage,
  type Target,
} from '../store.js';
import type { Connection, Statement } from './database.js';

/** hnswlib's labels are ids cut to 32 bits, without a word when one does not fit. */
export const MAX_ID = 2 ** 32 - 1;

type ImageRow = Omit<StoredImage, 'captions' | 'searchable'> & { searchable: 0 | 1 };

interface VectorRow {
  id: number;
  embedding: Uint8Array;
}

interface VectorPage {
  after: number;
  until: number;
  limit: number;
}

/** The statements and transactions of catalog.sqlite, the truth of a collection. */
export class Catalog {
  private readonly sql;
  /** What the collection was bound to when it was opened, or when this process last bound it. */
  private bound: CollectionModel;

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
      { hint: 'Open it again: run the same command again, or restart the server.' },
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

  scan({ root, after, limit }: { root: string; after: number; limit: number }): StoredImage[] {
    return this.read(() => this.sql.scan.all(root, after, limit).map((row) => this.withCaptions(row)));
  }

  getImages(ids: number[]): StoredImage[] {
    return this.read(() => found(ids, (id) => this.sql.image.get(id)).map((row) => this.withCaptions(row)));
  }

  getCaptions(ids: number[]): StoredCaption[] {
    return this.read(() => found(ids, (id) => this.sql.caption.get(id)));
  }

  contentHash(imageId: number): string | undefined {
    return this.sql.contentHash.get(imageId);
  }

  sources(): Source[] {
    return this.sql.sources.all();
  }

  /** One transaction. A source that nothing comes from is no reason against its folder. */
  moveSource({ from, to }: { from: string; to: string }): void {
    this.database
      .transaction(() => {
        const images = (root: string) => this.sources().find((source) => source.root === root)?.images;
        if (images(from) === undefined) throw new PatchwordError('NOT_FOUND', `No image comes from ${from}.`);
        if (from === to) return;
        if (images(to)) {
          throw new PatchwordError('INVALID_ARGUMENT', `Images from ${to} are in the collection already.`);
        }
        this.sql.removeSource.run(to);
        this.sql.moveSource.run(to, from);
      })
      .immediate();
  }

  /** One transaction: all images or none. Those whose content and captions are as stored keep their vectors and ids. */
  upsert({ root, images }: { root: string; images: ImageRecord[] }): number[] {
    return this.database
      .transaction(() => {
        this.requireBinding();
        this.sql.addSource.run(root);
        const sourceId = this.sql.sourceId.get(root)!;
        const before = this.revision();
        let revision = before;
        const next = () => ++revision;
        const ids = images.map((image) => {
          const imageId = this.putImage(sourceId, image, next);
          this.putCaptions(imageId, image.captions, next);
          return imageId;
        });
        if (revision !== before) this.sql.setRevision.run(revision);
        return ids;
      })
      .immediate();
  }

  private putImage(sourceId: number, image: ImageRecord, next: () => number): number {
    const { file, contentHash, bytes, modified, width, height, split, embedding } = image;
    const stored = this.sql.find.get(sourceId, file);
    const details = { file, contentHash, bytes, modified, width, height, split };
    if (!stored) {
      return checkedId(this.sql.addImage.run({ ...details, sourceId, revision: next(), embedding }).lastInsertRowid);
    }
    this.sql.updateImage.run({ ...details, imageId: stored.imageId });
    if (stored.contentHash !== contentHash || !stored.searchable)
      this.sql.updateVector.run(next(), embedding, stored.imageId);
    return stored.imageId;
  }

  private putCaptions(imageId: number, captions: CaptionRecord[], next: () => number): void {
    const stored = this.sql.captionsOf.all(imageId);
    if (stored.length === captions.length && stored.every((text, i) => text === captions[i].text)) return;
    if (stored.length > 0) {
      this.sql.removeCaptions.run(imageId);
      next(); // A removal is a change of its own, even when nothing takes the place of what went.
    }
    captions.forEach(({ text, embedding }, position) => {
      checkedId(this.sql.addCaption.run(imageId, position, text, next(), embedding).lastInsertRowid);
    });
  }

  private withCaptions(row: ImageRow): StoredImage {
    return { ...row, captions: this.sql.captionsOf.all(row.imageId), searchable: row.searchable === 1 };
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

/** The columns of `meta` that say what a catalog is bound to. */
export const MODEL_COLUMNS =
  'model_path AS path, model_hash AS hash, prefilter_hash AS prefilterHash, dimension, input_size AS inputSize';

function checkedId(id: number | bigint): number {
  if (id <= MAX_ID) return Number(id);
  throw new PatchwordError('INVALID_ARGUMENT', `The collection has used up its ${MAX_ID} ids.`, {
    hint: 'Index into a collection of another name.',
  });
}

function damagedEmbedding(target: Target, id: number, bytes: number, dimension: number): PatchwordError {
  const message = `Row ${id} of ${target} holds an embedding of ${bytes} bytes, expected ${4 * dimension}.`;
  return new PatchwordError('COLLECTION_DAMAGED', message, { hint: 'Put catalog.sqlite back from a backup.' });
}

function found<T>(ids: number[], get: (id: number) => T | undefined): T[] {
  return ids.map(get).filter((row) => row !== undefined);
}

const IMAGE_COLUMNS = `images.id AS imageId, file, root, content_hash AS contentHash, bytes, modified, width, height, split,
  revision > 0 AS searchable`;

function statements(database: Connection) {
  /** A query whose rows are one column's values. */
  const column = <P extends unknown[], V>(source: string) =>
    database.prepare<P, V>(source).pluck() as unknown as Statement<P, V>;
  const vectors = (table: Target) => ({
    count: column<[], number>(`SELECT count(*) FROM ${table}`),
    searchableCount: column<[], number>(`SELECT count(*) FROM ${table} WHERE revision > 0`),
    ids: column<[], number>(`SELECT id FROM ${table} WHERE revision > 0`),
    revision: column<[number], number>(`SELECT revision FROM ${table} WHERE id = ?`),
    idsSince: column<[number], number>(`SELECT id FROM ${table} WHERE revision > ?`),
    since: database.prepare<[number], VectorRow>(
      `SELECT id, embedding FROM ${table} WHERE revision > ? ORDER BY revision`,
    ),
    page: database.prepare<[VectorPage], VectorRow & { revision: number }>(
      `SELECT id, revision, embedding FROM ${table} WHERE revision > :after AND revision <= :until
       ORDER BY revision LIMIT :limit`,
    ),
    embedding: column<[number], Uint8Array>(`SELECT embedding FROM ${table} WHERE id = ?`),
    bounds: database.prepare<[], { first: number; last: number }>(
      `SELECT (SELECT min(id) FROM ${table}) AS first, (SELECT max(id) FROM ${table}) AS last`,
    ),
    idFrom: column<[number], number>(`SELECT id FROM ${table} WHERE id >= ? AND revision > 0 ORDER BY id LIMIT 1`),
  });
  return {
    images: vectors('images'),
    captions: vectors('captions'),
    model: database.prepare<[], CollectionModel>(`SELECT ${MODEL_COLUMNS} FROM meta`),
    revision: column<[], number>('SELECT revision FROM meta'),
    setRevision: database.prepare<[number]>('UPDATE meta SET revision = ?'),
    scan: database.prepare<[string, number, number], ImageRow>(
      `SELECT ${IMAGE_COLUMNS} FROM images JOIN sources ON sources.id = source_id
       WHERE root = ? AND images.id > ? ORDER BY images.id LIMIT ?`,
    ),
    image: database.prepare<[number], ImageRow>(
      `SELECT ${IMAGE_COLUMNS} FROM images JOIN sources ON sources.id = source_id WHERE images.id = ?`,
    ),
    caption: database.prepare<[number], StoredCaption>(
      'SELECT id AS captionId, text, image_id AS imageId FROM captions WHERE id = ?',
    ),
    captionsOf: column<[number], string>('SELECT text FROM captions WHERE image_id = ? ORDER BY position'),
    contentHash: column<[number], string>('SELECT content_hash FROM images WHERE id = ?'),
    addSource: database.prepare<[string]>('INSERT INTO sources (root) VALUES (?) ON CONFLICT DO NOTHING'),
    sources: database.prepare<[], Source>(
      `SELECT root, (SELECT count(*) FROM images WHERE source_id = sources.id) AS images FROM sources ORDER BY id`,
    ),
    removeSource: database.prepare<[string]>('DELETE FROM sources WHERE root = ?'),
    moveSource: database.prepare<[string, string]>('UPDATE sources SET root = ? WHERE root = ?'),
    sourceId: column<[string], number>('SELECT id FROM sources WHERE root = ?'),
    find: database.prepare<[number, string], { imageId: number; contentHash: string; searchable: 0 | 1 }>(
      'SELECT id AS imageId, content_hash AS contentHash, revision > 0 AS searchable FROM images WHERE source_id = ? AND file = ?',
    ),
    addImage: database.prepare(
      `INSERT INTO images (source_id, file, content_hash, bytes, modified, width, height, split, revision, embedding)
       VALUES (:sourceId, :file, :contentHash, :bytes, :modified, :width, :height, :split, :revision, :embedding)`,
    ),
    updateImage: database.prepare(
      `UPDATE images SET (content_hash, bytes, modified, width, height, split) =
         (:contentHash, :bytes, :modified, :width, :height, :split)
       WHERE id = :imageId AND (content_hash, bytes, modified, width, height, split) IS NOT
         (:contentHash, :bytes, :modified, :width, :height, :split)`,
    ),
    updateVector: database.prepare<[number, Float32Array, number]>(
      'UPDATE images SET revision = ?, embedding = ? WHERE id = ?',
    ),
    addCaption: database.prepare<[number, number, string, number, Float32Array]>(
      'INSERT INTO captions (image_id, position, text, revision, embedding) VALUES (?, ?, ?, ?, ?)',
    ),
    removeCaptions: database.prepare<[number]>('DELETE FROM captions WHERE image_id = ?'),
  };
}
