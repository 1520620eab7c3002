import { PatchwordError } from '../../errors.js';
import type { Source, Store } from '../store.js';
import type { Catalog } from './catalog.js';
import type { Connection } from './database.js';
import type { Places } from './places.js';

type SourceRow = Omit<Source, 'options'> & { options: string };

/** Where images come from. */
export class Sources {
  private readonly sql;

  constructor(
    private readonly catalog: Catalog,
    database: Connection,
    private readonly places: Places,
  ) {
    this.sql = statements(database);
  }

  list(): Source[] {
    return this.sql.sources.all().map((row) => this.decode(row));
  }

  add({ format, options, ...paths }: Parameters<Store['addSource']>[0]): Source {
    const { path, root } = this.keep(paths);
    return this.catalog.write(() => {
      this.sql.put.run({ path, root, format, options: JSON.stringify(options) });
      return this.decode(this.sql.byPath.get(path)!);
    });
  }

  /** A source that nothing comes from is no reason against its path: it gives way. */
  move({ sourceId, ...paths }: Parameters<Store['moveSource']>[0]): void {
    const { path, root } = this.keep(paths);
    this.catalog.write(() => {
      requireSource(this.sql.byId.get(sourceId), sourceId);
      const other = this.sql.byPath.get(path);
      if (other && other.sourceId !== sourceId) {
        if (other.files > 0) {
          throw new PatchwordError('INVALID_ARGUMENT', `Images from ${paths.path} are in the collection already.`);
        }
        this.sql.releaseAll.run(other.sourceId);
        this.sql.remove.run(other.sourceId);
      }
      this.sql.move.run(path, root, sourceId);
    });
  }

  private keep({ path, root }: { path: string; root: string }): { path: string; root: string } {
    return { path: this.places.keep(path), root: this.places.keep(root) };
  }

  private decode({ options, path, root, ...source }: SourceRow): Source {
    return {
      ...source,
      path: this.places.find(path),
      root: this.places.find(root),
      options: JSON.parse(options) as Source['options'],
    };
  }
}

/** @throws PatchwordError NOT_FOUND */
export function requireSource(found: unknown, sourceId: number): void {
  if (found === undefined) throw new PatchwordError('NOT_FOUND', `The collection has no source ${sourceId}.`);
}

const SOURCE = `SELECT id AS sourceId, path, root, format, options,
  (SELECT count(*) FROM files WHERE source_id = sources.id) AS files FROM sources`;

function statements(database: Connection) {
  return {
    sources: database.prepare<[], SourceRow>(`${SOURCE} ORDER BY id`),
    byId: database.prepare<[number], SourceRow>(`${SOURCE} WHERE id = ?`),
    byPath: database.prepare<[string], SourceRow>(`${SOURCE} WHERE path = ?`),
    put: database.prepare(
      `INSERT INTO sources (path, root, format, options) VALUES (:path, :root, :format, :options)
       ON CONFLICT (path) DO UPDATE SET (root, format, options) = (:root, :format, :options)
       WHERE (root, format, options) IS NOT (:root, :format, :options)`,
    ),
    move: database.prepare<[string, string, number]>('UPDATE sources SET path = ?, root = ? WHERE id = ?'),
    releaseAll: database.prepare<[number]>('DELETE FROM quarantine WHERE source_id = ?'),
    remove: database.prepare<[number]>('DELETE FROM sources WHERE id = ?'),
  };
}
