import { PatchwordError } from '../../errors.js';
import type { CaptionRecord, ImageRecord } from '../store.js';
import { checkedId, type Catalog } from './catalog.js';
import { column, type Connection } from './database.js';
import type { Duplicates } from './duplicates.js';
import type { Removal } from './removal.js';
import { requireSource } from './sources.js';

/** What the catalog has of a record's file. */
interface KnownFile {
  fileId: number;
  imageId: number;
  contentHash: string;
  /** Its image has no other file. */
  alone: 0 | 1;
}

/** A batch under way. */
interface Batch {
  sourceId: number;
  /** Contents of its records. */
  contents: ReadonlySet<string>;
  /** Images that a file was taken from. They go at the end if they have no other by then. */
  left: Set<number>;
  next: () => number;
}

/** Takes in what sources list. */
export class Records {
  private readonly sql;

  constructor(
    private readonly parts: { catalog: Catalog; duplicates: Duplicates; removal: Removal },
    database: Connection,
  ) {
    this.sql = statements(database);
  }

  /** One transaction: all records or none. What is as stored keeps its vectors and ids. */
  upsert({ sourceId, images }: { sourceId: number; images: ImageRecord[] }): number[] {
    const { catalog, removal } = this.parts;
    return catalog.write((next) => {
      catalog.requireBinding();
      requireSource(this.sql.source.get(sourceId), sourceId);
      const records = new Map(images.map((record) => [record.file, record])); // The last of each file.
      const contents = new Set([...records.values()].map(({ contentHash }) => contentHash));
      const batch: Batch = { sourceId, contents, left: new Set(), next };
      const imageIds = new Map<string, number>();
      for (const [file, record] of records) imageIds.set(file, this.put(record, batch));
      for (const imageId of batch.left) removal.dropImage(imageId, next);
      return images.map(({ file }) => imageIds.get(file)!);
    });
  }

  private put(record: ImageRecord, batch: Batch): number {
    const { sourceId, left, next } = batch;
    const known = this.sql.file.get(sourceId, record.file);
    const imageId = this.putImage(record, known, batch);
    const fileId = this.putFile(sourceId, record, { known, imageId });
    this.putCaptions({ fileId, imageId }, record.captions, next);
    if (known && known.imageId !== imageId) left.add(known.imageId);
    this.sql.release.run(sourceId, record.file);
    return imageId;
  }

  private putImage(record: ImageRecord, known: KnownFile | undefined, { contents, next }: Batch): number {
    const { contentHash, bytes, width, height, embedding, perceptualHash } = record;
    const { duplicates } = this.parts;
    const image = this.sql.image.get(contentHash);
    if (image) {
      if (!image.searchable && embedding) this.sql.mend.run(next(), embedding, image.imageId);
      if (perceptualHash && !image.hashed) {
        this.sql.setHash.run({ ...hashColumns(perceptualHash), imageId: image.imageId });
        duplicates.link(image.imageId, perceptualHash);
      }
      return image.imageId;
    }
    if (this.sql.isRemoved.get(contentHash)) {
      throw refused(record, 'its content was removed from the collection; restore it first');
    }
    if (!embedding) throw refused(record, 'its content is not in the collection, so its embedding is needed');
    const columns = { contentHash, bytes, width, height, embedding, ...hashColumns(perceptualHash) };
    // Content that another file has now, as when two exchange their names, keeps its image.
    const takesAlong = known?.alone && !contents.has(known.contentHash);
    const imageId = takesAlong
      ? this.sql.replaceImage.get({ ...columns, revision: next(), imageId: known.imageId })!
      : checkedId(this.sql.addImage.get({ ...columns, revision: next() })!);
    duplicates.link(imageId, perceptualHash);
    return imageId;
  }

  private putFile(
    sourceId: number,
    { file, location, modified, split, attributes }: ImageRecord,
    { known, imageId }: { known: KnownFile | undefined; imageId: number },
  ): number {
    const plain = Object.keys(location).length === 1 && location.file === file;
    const columns = {
      imageId,
      location: plain ? null : JSON.stringify(location),
      modified,
      split,
      attributes: JSON.stringify(attributes),
    };
    if (!known) return this.sql.addFile.get({ ...columns, sourceId, file })!;
    this.sql.updateFile.run({ ...columns, fileId: known.fileId });
    return known.fileId;
  }

  private putCaptions(
    { fileId, imageId }: { fileId: number; imageId: number },
    captions: CaptionRecord[],
    next: () => number,
  ): void {
    const before = this.sql.captionsOf.all(fileId);
    const same = (stored: { imageId: number; text: string }, at: number) =>
      stored.imageId === imageId && stored.text === captions[at].text;
    if (before.length === captions.length && before.every(same)) return;
    if (before.length > 0) this.sql.removeFileCaptions.run(fileId);
    captions.forEach(({ text, embedding }, position) => {
      const captionId =
        this.sql.caption.get(imageId, text) ?? checkedId(this.sql.addCaption.get(imageId, text, next(), embedding)!);
      this.sql.addFileCaption.run(fileId, position, captionId);
    });
    this.parts.removal.dropCaptions(new Set(before.map(({ captionId }) => captionId)), next);
  }
}

function hashColumns(hash: Uint16Array | null) {
  const [hash0, hash1, hash2, hash3] = hash ?? [null, null, null, null];
  return { hash0, hash1, hash2, hash3 };
}

function refused({ file }: ImageRecord, reason: string): PatchwordError {
  return new PatchwordError('INVALID_ARGUMENT', `The image ${file} cannot be stored: ${reason}.`);
}

function statements(database: Connection) {
  return {
    source: column<[number], 1>(database, 'SELECT 1 FROM sources WHERE id = ?'),
    file: database.prepare<[number, string], KnownFile>(
      `SELECT files.id AS fileId, image_id AS imageId, content_hash AS contentHash,
         NOT EXISTS (SELECT 1 FROM files o WHERE o.image_id = files.image_id AND o.id <> files.id) AS alone
       FROM files JOIN images ON images.id = image_id WHERE source_id = ? AND file = ?`,
    ),
    image: database.prepare<[string], { imageId: number; searchable: 0 | 1; hashed: 0 | 1 }>(
      `SELECT id AS imageId, revision > 0 AS searchable, hash0 IS NOT NULL AS hashed FROM images WHERE content_hash = ?`,
    ),
    setHash: database.prepare(
      'UPDATE images SET (hash0, hash1, hash2, hash3) = (:hash0, :hash1, :hash2, :hash3) WHERE id = :imageId',
    ),
    isRemoved: column<[string], 1>(database, 'SELECT 1 FROM removed WHERE content_hash = ?'),
    mend: database.prepare<[number, Float32Array, number]>(
      'UPDATE images SET revision = ?, embedding = ? WHERE id = ?',
    ),
    addImage: column<[object], number>(
      database,
      `INSERT INTO images (content_hash, bytes, width, height, hash0, hash1, hash2, hash3, revision, embedding)
       VALUES (:contentHash, :bytes, :width, :height, :hash0, :hash1, :hash2, :hash3, :revision, :embedding) RETURNING id`,
    ),
    replaceImage: column<[object], number>(
      database,
      `UPDATE images SET (content_hash, bytes, width, height, hash0, hash1, hash2, hash3, revision, embedding) =
         (:contentHash, :bytes, :width, :height, :hash0, :hash1, :hash2, :hash3, :revision, :embedding) WHERE id = :imageId RETURNING id`,
    ),
    addFile: column<[object], number>(
      database,
      `INSERT INTO files (source_id, image_id, file, location, modified, split, attributes)
       VALUES (:sourceId, :imageId, :file, :location, :modified, :split, :attributes) RETURNING id`,
    ),
    updateFile: database.prepare(
      `UPDATE files SET (image_id, location, modified, split, attributes, missing) =
         (:imageId, :location, :modified, :split, :attributes, 0)
       WHERE id = :fileId AND (image_id, location, modified, split, attributes, missing) IS NOT
         (:imageId, :location, :modified, :split, :attributes, 0)`,
    ),
    captionsOf: database.prepare<[number], { captionId: number; imageId: number; text: string }>(
      `SELECT caption_id AS captionId, image_id AS imageId, text FROM file_captions JOIN captions ON captions.id = caption_id
       WHERE file_id = ? ORDER BY position`,
    ),
    removeFileCaptions: database.prepare<[number]>('DELETE FROM file_captions WHERE file_id = ?'),
    caption: column<[number, string], number>(database, 'SELECT id FROM captions WHERE image_id = ? AND text = ?'),
    addCaption: column<[number, string, number, Float32Array], number>(
      database,
      'INSERT INTO captions (image_id, text, revision, embedding) VALUES (?, ?, ?, ?) RETURNING id',
    ),
    addFileCaption: database.prepare<[number, number, number]>(
      'INSERT INTO file_captions (file_id, position, caption_id) VALUES (?, ?, ?)',
    ),
    release: database.prepare<[number, string]>('DELETE FROM quarantine WHERE source_id = ? AND file = ?'),
  };
}
