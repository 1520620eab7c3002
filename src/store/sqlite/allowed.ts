import type { Filter } from '../../filter.js';
import type { Target } from '../store.js';
import { column, type Connection } from './database.js';
import { defineFilterFunctions, filteredImages } from './filter.js';

/** Sets of ids that are kept for the searches to come: of the filters used last. */
const KEPT = 8;

/** Ids that a filter allows, ascending. */
export class AllowedIds {
  private readonly ids: Uint32Array;

  /** Of ids that may come in any order, and more than once. */
  constructor(ids: number[]) {
    this.ids = Uint32Array.from(ids)
      .sort()
      .filter((id, i, sorted) => i === 0 || id !== sorted[i - 1]);
  }

  get size(): number {
    return this.ids.length;
  }

  has(id: number): boolean {
    return this.ids[this.firstFrom(id)] === id;
  }

  /** The next ids after one. */
  page({ after, limit }: { after: number; limit: number }): number[] {
    const first = this.firstFrom(after + 1);
    return [...this.ids.subarray(first, first + limit)];
  }

  [Symbol.iterator](): Iterator<number> {
    return this.ids[Symbol.iterator]();
  }

  /** Where the first id from `id` on is. */
  private firstFrom(id: number): number {
    let from = 0;
    for (let to = this.ids.length; from < to;) {
      const middle = (from + to) >>> 1;
      if (this.ids[middle] < id) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/**
 * What filters allow. A filter looks at every file of the catalog, which takes longer than the search itself, so what it found is
 * kept until the catalog changes.
 */
export class Filters {
  private readonly kept = new Map<string, AllowedIds>();
  private state = '';
  private readonly stateOf;

  constructor(private readonly database: Connection) {
    defineFilterFunctions(database);
    // What other connections committed, and what this one wrote.
    this.stateOf = column<[], string>(
      database,
      `SELECT data_version || ' ' || total_changes() FROM pragma_data_version`,
    );
  }

  /** Ids of the images that match, or of the captions of such. Call it within a transaction. */
  allowed(target: Target, filter: Filter): AllowedIds {
    const state = this.stateOf.get()!;
    if (state !== this.state) this.kept.clear();
    this.state = state;
    const key = `${target} ${JSON.stringify(filter)}`;
    const allowed = this.kept.get(key) ?? this.find(target, filter);
    this.kept.delete(key);
    this.kept.set(key, allowed);
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value!);
    return allowed;
  }

  private find(target: Target, filter: Filter): AllowedIds {
    const { sql, parameters } = filteredImages(filter);
    const ids = target === 'images' ? sql : `SELECT id FROM captions WHERE image_id IN (${sql})`;
    return new AllowedIds(column<typeof parameters, number>(this.database, ids).all(...parameters));
  }
}
