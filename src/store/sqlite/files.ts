import type { ImageLocation } from '../../original.js';
import type { StoredFile, StoredImage } from '../store.js';
import type { Catalog } from './catalog.js';
import { column, type Connection } from './database.js';

/** Columns of a file or of an image that are not what they stand for. */
export interface StoredColumns {
  file: string;
  location: string | null;
  attributes: string;
  missing: 0 | 1;
  searchable: 0 | 1;
}

type FileRow = Omit<StoredFile, keyof StoredColumns | 'captions'> & StoredColumns;

/** Files of sources, as they were when they were indexed. */
export class Files {
  private readonly sql;

  constructor(
    private readonly catalog: Catalog,
    database: Connection,
  ) {
    this.sql = statements(database);
  }

  get({ sourceId, files }: { sourceId: number; files: string[] }): (StoredFile | null)[] {
    return this.catalog.read(() =>
      files.map((file) => {
        const row = this.sql.file.get(sourceId, file);
        return row ? this.decode(row) : null;
      }),
    );
  }

  scan({ sourceId, after, limit }: { sourceId: number; after: number; limit: number }): StoredFile[] {
    return this.catalog.read(() => this.sql.page.all(sourceId, after, limit).map((row) => this.decode(row)));
  }

  markMissing({ sourceId, files }: { sourceId: number; files: string[] }): void {
    this.catalog.write(() => files.forEach((file) => this.sql.markMissing.run(sourceId, file)));
  }

  private decode(row: FileRow): StoredFile {
    return { ...row, ...decodeColumns(row), captions: this.sql.captions.all(row.fileId) };
  }
}

export function decodeColumns({
  file,
  location,
  attributes,
  missing,
  searchable,
}: StoredColumns): Pick<StoredImage, keyof StoredColumns> {
  return {
    file,
    location: decodeLocation({ file, location }),
    attributes: JSON.parse(attributes) as StoredImage['attributes'],
    missing: missing === 1,
    searchable: searchable === 1,
  };
}

export function decodeLocation({ file, location }: { file: string; location: string | null }): ImageLocation {
  return location === null ? { file } : (JSON.parse(location) as ImageLocation);
}

const FILE = `SELECT files.id AS fileId, image_id AS imageId, source_id AS sourceId, file, location, content_hash AS contentHash,
  bytes, modified, split, attributes, missing, revision > 0 AS searchable
  FROM files JOIN images ON images.id = image_id`;

function statements(database: Connection) {
  return {
    file: database.prepare<[number, string], FileRow>(`${FILE} WHERE source_id = ? AND file = ?`),
    page: database.prepare<[number, number, number], FileRow>(
      `${FILE} WHERE source_id = ? AND files.id > ? ORDER BY files.id LIMIT ?`,
    ),
    captions: column<[number], string>(
      database,
      'SELECT text FROM file_captions JOIN captions ON captions.id = caption_id WHERE file_id = ? ORDER BY position',
    ),
    markMissing: database.prepare<[number, string]>('UPDATE files SET missing = 1 WHERE source_id = ? AND file = ?'),
  };
}
