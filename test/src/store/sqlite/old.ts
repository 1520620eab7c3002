import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { createDatabase, type Connection } from '../../../../src/store/sqlite/database.js';
import { CATALOG_STEPS } from '../../../../src/store/sqlite/schema.js';
import type { CollectionModel } from '../../../../src/store/store.js';
import type { WholeRecord } from '../records.js';

/** A row of the tables of the first versions: an image that lies in one file. */
export interface OldImage extends WholeRecord {
  /** 1 or 2. */
  sourceId: number;
  searchable?: boolean;
}

export interface OldCatalog {
  /** How many the program took: one or two. */
  steps: number;
  model: CollectionModel;
  images: OldImage[];
}

/** Makes a catalog as a program of so many steps left it, the last of its images removed. */
export function makeOldCatalog(file: string, catalog: OldCatalog): void {
  mkdirSync(path.dirname(file), { recursive: true });
  createDatabase(file, CATALOG_STEPS.slice(0, catalog.steps), (database) => fill(database, catalog));
}

function fill(database: Connection, { steps, model, images }: OldCatalog): void {
  const columns = 'id, model_path, model_hash, prefilter_hash, dimension' + (steps > 1 ? ', input_size' : '');
  const { hash, prefilterHash, dimension, inputSize } = model;
  const values = [1, model.path, hash, prefilterHash, dimension, ...(steps > 1 ? [inputSize] : [])];
  database.prepare(`INSERT INTO meta (${columns}) VALUES (${values.map(() => '?').join()})`).run(values);
  for (const root of ['/one', '/two']) database.prepare('INSERT INTO sources (root) VALUES (?)').run(root);
  let revision = 0;
  for (const { sourceId, searchable = true, ...image } of images) {
    const { file, contentHash, bytes, modified, width, height, split, embedding, captions } = image;
    const { lastInsertRowid } = database
      .prepare(
        `INSERT INTO images (source_id, file, content_hash, bytes, modified, width, height, split, revision, embedding)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        ...[sourceId, file, contentHash, bytes, modified, width, height, split],
        ...(searchable ? [++revision, embedding] : [0, new Uint8Array()]),
      );
    captions.forEach((caption, position) =>
      database
        .prepare('INSERT INTO captions (image_id, position, text, revision, embedding) VALUES (?, ?, ?, ?, ?)')
        .run(lastInsertRowid, position, caption.text, ++revision, caption.embedding),
    );
  }
  // Ids that were given and are gone.
  database.exec('DELETE FROM images WHERE id = (SELECT max(id) FROM images)');
  database.prepare('UPDATE meta SET revision = ?').run(revision);
}
