import type { QuarantinedFile, Store } from '../store.js';
import type { Catalog } from './catalog.js';
import { column, type Connection } from './database.js';
import { requireSource } from './sources.js';

/** Entries of sources that could not be indexed, with the reason. */
export class Quarantine {
  private readonly sql;

  constructor(
    private readonly catalog: Catalog,
    database: Connection,
  ) {
    this.sql = statements(database);
  }

  put({ sourceId, files }: Parameters<Store['quarantine']>[0]): void {
    this.catalog.write(() => {
      requireSource(this.sql.source.get(sourceId), sourceId);
      const tried = Date.now();
      for (const { file, reason, bytes, modified } of files) {
        this.sql.put.run({ sourceId, file, reason, bytes, modified, tried });
      }
    });
  }

  get({ sourceId, files }: { sourceId: number; files: string[] }): (QuarantinedFile | null)[] {
    return this.catalog.read(() => files.map((file) => this.sql.entry.get(sourceId, file) ?? null));
  }

  scan({ after, limit }: Parameters<Store['scanQuarantine']>[0]): QuarantinedFile[] {
    return this.sql.page.all(after?.sourceId ?? 0, after?.file ?? '', limit);
  }

  clear({ sourceId, files }: Parameters<Store['clearQuarantine']>[0]): number {
    return this.catalog.write(() => {
      const source = sourceId ?? null;
      if (files === undefined) return this.sql.clear.run({ sourceId: source }).changes;
      return files.reduce((count, file) => count + this.sql.clearFile.run({ sourceId: source, file }).changes, 0);
    });
  }
}

const ENTRY = 'SELECT source_id AS sourceId, file, reason, bytes, modified, tried FROM quarantine';

function statements(database: Connection) {
  return {
    source: column<[number], 1>(database, 'SELECT 1 FROM sources WHERE id = ?'),
    put: database.prepare(
      `INSERT OR REPLACE INTO quarantine (source_id, file, reason, bytes, modified, tried)
       VALUES (:sourceId, :file, :reason, :bytes, :modified, :tried)`,
    ),
    entry: database.prepare<[number, string], QuarantinedFile>(`${ENTRY} WHERE source_id = ? AND file = ?`),
    page: database.prepare<[number, string, number], QuarantinedFile>(
      `${ENTRY} WHERE (source_id, file) > (?, ?) ORDER BY source_id, file LIMIT ?`,
    ),
    clear: database.prepare<[{ sourceId: number | null }]>(
      'DELETE FROM quarantine WHERE :sourceId IS NULL OR source_id = :sourceId',
    ),
    clearFile: database.prepare<[{ sourceId: number | null; file: string }]>(
      'DELETE FROM quarantine WHERE file = :file AND (:sourceId IS NULL OR source_id = :sourceId)',
    ),
  };
}
