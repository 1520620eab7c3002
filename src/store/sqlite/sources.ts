import { PatchwordError } from '../../errors.js';
import type { Source, Store } from '../store.js';
import type { Catalog } from './catalog.js';
import type { Connection } from './database.js';

type SourceRow = Omit<Source, 'options'> & { options: string };

/** Where images come from. */
export class Sources {
  private readonly sql;

  constructor(
    private readonly catalog: Catalog,
    database: Connection,
  ) {
    this.sql = statements(database);
  }

  list(): Source[] {
    return this.sql.sources.all().map(decode);
  }

  add({ path, root, format, options }: Parameters<Store['addSource']>[0]): Source {
    return this.catalog.write(() => {
      this.sql.put.run({ path, root, format, options: JSON.stringify(options) });
      return decode(this.sql.byPath.get(path)!);
    });
  }

  /** A source that nothing comes from is no reason against its path: it gives way. */
  move({ sourceId, path, root }: Parameters<Store['moveSource']>[0]): void {
    this.catalog.write(() => {
      requireSource(this.sql.byId.get(sourceId), sourceId);
      const other = this.sql.byPath.get(path);
      if (other && other.sourceId !== sourceId) {
        if (other.files > 0) {
          throw new PatchwordError('INVALID_ARGUMENT', `Images from ${path} are in the collection already.`);
        }
        this.sql.releaseAll.run(other.sourceId);
        this.sql.remove.run(other.sourceId);
      }
      this.sql.move.run(path, root, sourceId);
    });
  }
}

/** @throws PatchwordError NOT_FOUND */
export function requireSource(found: unknown, sourceId: number): void {
  if (found === undefined) throw new PatchwordError('NOT_FOUND', `The collection has no source ${sourceId}.`);
}

function decode({ options, ...source }: SourceRow): Source {
  return { ...source, options: JSON.parse(options) as Source['options'] };
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
