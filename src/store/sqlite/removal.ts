import type { Catalog } from './catalog.js';
import { column, type Connection } from './database.js';
import type { Duplicates } from './duplicates.js';

/** Takes files, captions and images out of the catalog. */
export class Removal {
  private readonly sql;

  constructor(
    private readonly catalog: Catalog,
    private readonly duplicates: Duplicates,
    database: Connection,
  ) {
    this.sql = statements(database);
  }

  /** Returns how many images went: those none of whose files is left. */
  removeFiles({ sourceId, files }: { sourceId: number; files: string[] }): number {
    return this.catalog.write((next) => {
      let images = 0;
      for (const file of files) {
        const row = this.sql.file.get(sourceId, file);
        if (!row) continue;
        const captionIds = this.sql.captionsOf.all(row.fileId);
        this.sql.removeFile.run(row.fileId);
        if (this.dropImage(row.imageId, next)) images += 1;
        else this.dropCaptions(captionIds, next);
      }
      return images;
    });
  }

  /** Returns the contents of those that went, which stay out until `restore`. */
  removeImages(imageIds: number[]): string[] {
    return this.catalog.write((next) => {
      const removed = Date.now();
      const crowd = new Set<number>();
      const contents = imageIds.flatMap((imageId) => {
        const contentHash = this.sql.keepOut.get({ imageId, removed });
        if (contentHash === undefined) return [];
        for (const other of this.duplicates.crowdOf(imageId)) crowd.add(other);
        this.sql.removeImage.run(imageId);
        next();
        return contentHash;
      });
      this.duplicates.relink(crowd);
      return contents;
    });
  }

  restore(contentHashes?: string[]): number {
    return this.catalog.write(() => {
      if (contentHashes === undefined) return this.sql.restoreAll.run().changes;
      return contentHashes.reduce((count, hash) => count + this.sql.restore.run(hash).changes, 0);
    });
  }

  /** Within a transaction: removes an image none of whose files is left. Returns whether it was. */
  dropImage(imageId: number, next: () => number): boolean {
    const crowd = this.duplicates.crowdOf(imageId);
    const went = this.sql.dropImage.run(imageId).changes > 0;
    if (!went) return false;
    next();
    this.duplicates.relink(crowd);
    return true;
  }

  /** Within a transaction: removes those captions that no file gives. */
  dropCaptions(captionIds: Iterable<number>, next: () => number): void {
    let changes = 0;
    for (const captionId of captionIds) changes += this.sql.dropCaption.run(captionId).changes;
    if (changes > 0) next(); // A removal is a change of its own, even when nothing takes the place of what went.
  }
}

function statements(database: Connection) {
  return {
    file: database.prepare<[number, string], { fileId: number; imageId: number }>(
      'SELECT id AS fileId, image_id AS imageId FROM files WHERE source_id = ? AND file = ?',
    ),
    captionsOf: column<[number], number>(database, 'SELECT caption_id FROM file_captions WHERE file_id = ?'),
    removeFile: database.prepare<[number]>('DELETE FROM files WHERE id = ?'),
    dropCaption: database.prepare<[number]>(
      'DELETE FROM captions WHERE id = ? AND NOT EXISTS (SELECT 1 FROM file_captions WHERE caption_id = captions.id)',
    ),
    dropImage: database.prepare<[number]>(
      'DELETE FROM images WHERE id = ? AND NOT EXISTS (SELECT 1 FROM files WHERE image_id = images.id)',
    ),
    keepOut: column<[{ imageId: number; removed: number }], string>(
      database,
      `INSERT OR REPLACE INTO removed (content_hash, file, removed)
       SELECT content_hash, (SELECT file FROM files WHERE image_id = images.id ORDER BY missing, id LIMIT 1), :removed
       FROM images WHERE id = :imageId RETURNING content_hash`,
    ),
    removeImage: database.prepare<[number]>('DELETE FROM images WHERE id = ?'),
    restore: database.prepare<[string]>('DELETE FROM removed WHERE content_hash = ?'),
    restoreAll: database.prepare<[]>('DELETE FROM removed'),
  };
}
