import type { StoredCaption, StoredImage } from '../store.js';
import type { Catalog } from './catalog.js';
import { column, type Connection } from './database.js';
import { decodeColumns, type StoredColumns } from './files.js';
import type { Places } from './places.js';

type ImageRow = Omit<StoredImage, keyof StoredColumns | 'captions'> & StoredColumns;

/** Images, each as its first file says that is not missing, and their captions. */
export class Images {
  private readonly sql;

  constructor(
    private readonly catalog: Catalog,
    database: Connection,
    private readonly places: Places,
  ) {
    this.sql = statements(database);
  }

  scan({ after, limit }: { after: number; limit: number }): StoredImage[] {
    return this.catalog.read(() => this.sql.page.all(after, limit).map((row) => this.decode(row)));
  }

  get(ids: number[]): StoredImage[] {
    return this.catalog.read(() => found(ids, (id) => this.sql.image.get(id)).map((row) => this.decode(row)));
  }

  getCaptions(ids: number[]): StoredCaption[] {
    return this.catalog.read(() => found(ids, (id) => this.sql.caption.get(id)));
  }

  findContents(contentHashes: string[]): (number | 'removed' | null)[] {
    return this.catalog.read(() =>
      contentHashes.map((hash) => this.sql.idOf.get(hash) ?? (this.sql.isRemoved.get(hash) ? 'removed' : null)),
    );
  }

  contentHash(imageId: number): string | undefined {
    return this.sql.contentHash.get(imageId);
  }

  private decode(row: ImageRow): StoredImage {
    const captions = [...new Set(this.sql.captions.all(row.imageId))];
    return { ...row, ...decodeColumns(row), root: this.places.find(row.root), captions };
  }
}

/** Joins an image's row with that of the file that speaks for it, and with that file's source. */
export const FIRST_FILE = `JOIN files ON files.id = (
    SELECT id FROM files f WHERE f.image_id = images.id ORDER BY f.missing, f.id LIMIT 1
  ) JOIN sources ON sources.id = source_id`;

const IMAGE = `SELECT images.id AS imageId, file, root, location, content_hash AS contentHash, bytes, modified, width, height,
  split, attributes, missing, revision > 0 AS searchable FROM images ${FIRST_FILE}`;

function statements(database: Connection) {
  return {
    page: database.prepare<[number, number], ImageRow>(`${IMAGE} WHERE images.id > ? ORDER BY images.id LIMIT ?`),
    image: database.prepare<[number], ImageRow>(`${IMAGE} WHERE images.id = ?`),
    captions: column<[number], string>(
      database,
      `SELECT text FROM files JOIN file_captions ON file_id = files.id JOIN captions ON captions.id = caption_id
       WHERE files.image_id = ? ORDER BY files.id, position`,
    ),
    caption: database.prepare<[number], StoredCaption>(
      'SELECT id AS captionId, text, image_id AS imageId FROM captions WHERE id = ?',
    ),
    contentHash: column<[number], string>(database, 'SELECT content_hash FROM images WHERE id = ?'),
    idOf: column<[string], number>(database, 'SELECT id FROM images WHERE content_hash = ?'),
    isRemoved: column<[string], 1>(database, 'SELECT 1 FROM removed WHERE content_hash = ?'),
  };
}

function found<T>(ids: number[], get: (id: number) => T | undefined): T[] {
  return ids.map(get).filter((row) => row !== undefined);
}
