import { existsSync } from 'node:fs';
import path from 'node:path';
import { PatchwordError } from '../../errors.js';
import { isSameModel, type CollectionModel, type PendingImage, type Reembedding, type ReindexState } from '../store.js';
import { bindModel, MODEL_COLUMNS } from './catalog.js';
import { checkPage, checkReembeddings } from './check.js';
import { createDatabase, isDamage, openDatabase, removeDatabase, type Connection } from './database.js';
import { decodeLocation } from './files.js';
import { FIRST_FILE } from './images.js';
import { REINDEX_STEPS } from './schema.js';

export interface ReindexOptions {
  database: Connection;
  folder: string;
  /** The model that the collection is bound to. */
  bound: CollectionModel;
  /** The model to reindex with. */
  model: CollectionModel;
}

/** The file's name, in the collection's folder. */
export const REINDEX_FILE = 'reindex.sqlite';

const EMBEDDED = 'EXISTS (SELECT 1 FROM next.images n WHERE n.id = images.id AND n.content_hash = images.content_hash)';

/** What the next images and captions lack, of what the catalog holds. */
const PENDING = `NOT ${EMBEDDED}
  OR EXISTS (SELECT 1 FROM captions c WHERE c.image_id = images.id AND c.id NOT IN (SELECT id FROM next.captions))`;

/**
 * A reindex under way. The next embeddings fill a database of their own beside the catalog, attached to its connection,
 * so that nothing of the catalog is written before the swap, which is one transaction on the catalog alone.
 */
export class Reindex {
  readonly model: CollectionModel;
  private readonly sql;

  private constructor(
    private readonly database: Connection,
    private readonly file: string,
    private readonly abandoned: CollectionModel | null,
    model: CollectionModel,
  ) {
    this.model = model;
    this.sql = statements(database);
  }

  /** Goes on with the file of an earlier reindex with the same model; one of another model, or damaged, is given up. */
  static begin({ database, folder, bound, model }: ReindexOptions): Reindex {
    const file = path.join(folder, REINDEX_FILE);
    const earlier = readTarget(file);
    const goesOn = earlier !== null && isSameModel(earlier, model) && earlier.dimension === model.dimension;
    // A process that died between the swap and its last step leaves the file of a reindex that was finished.
    const abandoned = earlier && !goesOn && !isSameModel(earlier, bound) ? earlier : null;
    if (!goesOn) {
      removeDatabase(file);
      createDatabase(file, REINDEX_STEPS, (next) => bindModel(next, model));
    }
    database.prepare('ATTACH ? AS next').run(file);
    try {
      database.pragma('next.journal_mode = WAL');
      database.pragma('next.synchronous = NORMAL'); // A power cut may cost the last batches, which are made again.
      return new Reindex(database, file, abandoned, model);
    } catch (error) {
      database.exec('DETACH next');
      throw error;
    }
  }

  state(): ReindexState {
    const { total, pending } = this.sql.progress.get()!;
    return { total, done: total - pending, abandoned: this.abandoned };
  }

  pendingImages(page: { after: number; limit: number }): Omit<PendingImage, 'modelInput'>[] {
    checkPage(page);
    return this.database.transaction(() =>
      this.sql.pending.all(page.after, page.limit).map((image) => ({
        ...image,
        location: decodeLocation(image),
        embedded: image.embedded === 1,
        captions: this.sql.captionsOf.all(image.imageId),
      })),
    )();
  }

  put(batch: Reembedding[]): void {
    checkReembeddings(batch, this.model.dimension);
    this.database.transaction(() => {
      for (const { imageId, embedding, captions } of batch) {
        if (embedding) this.sql.putImage.run(embedding, imageId);
        for (const caption of captions) this.sql.putCaption.run(caption.captionId, caption.embedding);
      }
    })();
  }

  /**
   * The one transaction that makes the next embeddings the present ones. Each gets a new revision, above all that were
   * given before, so that whoever holds vectors of the old model notices.
   */
  swap(unreadable: number[]): void {
    this.database
      .transaction(() => {
        const { base, images, captions } = this.sql.bounds.get()!;
        const named = { base, unreadable: JSON.stringify(unreadable) };
        this.sql.swapImages.run(named);
        this.sql.swapCaptions.run(base + images);
        const left = this.sql.left.get(named)!;
        if (left.images + left.captions > 0) {
          throw new PatchwordError(
            'INVALID_ARGUMENT',
            `${left.images} images and ${left.captions} captions have no embedding of the next model yet.`,
          );
        }
        this.sql.clearImages.run(base);
        this.sql.bind.run({ ...this.model, revision: base + images + captions });
      })
      .immediate();
  }

  /** Lets go of the file, for a later reindex to go on with. */
  close(): void {
    this.database.exec('DETACH next');
  }

  /** The embeddings are in the catalog: the file has done its part. */
  remove(): void {
    this.close();
    removeDatabase(this.file);
  }
}

/** What an earlier reindex was for; null where there is none that can be gone on with. */
export function readTarget(file: string): CollectionModel | null {
  if (!existsSync(file)) return null;
  let database: Connection | undefined;
  try {
    database = openDatabase(file, REINDEX_STEPS);
    return database.prepare<[], CollectionModel>(`SELECT ${MODEL_COLUMNS} FROM meta`).get() ?? null;
  } catch (error) {
    if (isDamage(error) || (error instanceof PatchwordError && error.code === 'COLLECTION_DAMAGED')) return null;
    throw error;
  } finally {
    database?.close();
  }
}

type PendingRow = Pick<PendingImage, 'imageId' | 'file' | 'root' | 'contentHash'> & {
  location: string | null;
  embedded: 0 | 1;
};

function statements(database: Connection) {
  return {
    progress: database.prepare<[], { total: number; pending: number }>(
      `SELECT (SELECT count(*) FROM images) AS total, (SELECT count(*) FROM images WHERE ${PENDING}) AS pending`,
    ),
    pending: database.prepare<[number, number], PendingRow>(
      `SELECT images.id AS imageId, file, root, location, content_hash AS contentHash, ${EMBEDDED} AS embedded
       FROM images ${FIRST_FILE}
       WHERE images.id > ? AND (${PENDING}) ORDER BY images.id LIMIT ?`,
    ),
    captionsOf: database.prepare<[number], { captionId: number; text: string }>(
      'SELECT id AS captionId, text FROM captions WHERE image_id = ? ORDER BY id',
    ),
    putImage: database.prepare<[Float32Array, number]>(
      `INSERT OR REPLACE INTO next.images (id, content_hash, embedding)
       SELECT id, content_hash, ? FROM main.images WHERE id = ?`,
    ),
    putCaption: database.prepare<[number, Float32Array]>(
      'INSERT OR REPLACE INTO next.captions (id, embedding) VALUES (?, ?)',
    ),
    bounds: database.prepare<[], { base: number; images: number; captions: number }>(
      `SELECT revision AS base, (SELECT ifnull(max(id), 0) FROM images) AS images,
         (SELECT ifnull(max(id), 0) FROM captions) AS captions FROM meta`,
    ),
    swapImages: database.prepare<[{ base: number; unreadable: string }]>(
      `UPDATE main.images SET embedding = n.embedding, revision = :base + n.id FROM next.images n
       WHERE n.id = main.images.id AND n.content_hash = main.images.content_hash
         AND n.id NOT IN (SELECT value FROM json_each(:unreadable))`,
    ),
    swapCaptions: database.prepare<[number]>(
      `UPDATE main.captions SET embedding = n.embedding, revision = ? + n.id FROM next.captions n
       WHERE n.id = main.captions.id`,
    ),
    left: database.prepare<[{ base: number; unreadable: string }], { images: number; captions: number }>(
      `SELECT (SELECT count(*) FROM images WHERE revision <= :base
           AND id NOT IN (SELECT value FROM json_each(:unreadable))) AS images,
         (SELECT count(*) FROM captions WHERE revision <= :base) AS captions`,
    ),
    clearImages: database.prepare<[number]>("UPDATE images SET embedding = x'', revision = 0 WHERE revision <= ?"),
    bind: database.prepare(
      `UPDATE meta SET (model_path, model_hash, prefilter_hash, dimension, input_size, revision) =
         (:path, :hash, :prefilterHash, :dimension, :inputSize, :revision)`,
    ),
  };
}
