import { setImmediate as nextTurn } from 'node:timers/promises';
import { PatchwordError } from '../../errors.js';
import type { Filter } from '../../filter.js';
import type { Target } from '../store.js';
import { column, type Connection } from './database.js';
import { defineFilterFunctions, filteredImages } from './filter.js';

/** Sets of ids that are kept for the searches to come: of the filters used last. */
const KEPT = 8;

/** Files that a filter looks at first, and how long it goes on before the thread answers what was asked meanwhile. */
const FIRST_STEP = 1024;
const SLICE = 10; // milliseconds

export interface FiltersOptions {
  /** The longest that a filter may look at files, in milliseconds. */
  mostTime?: number;
  /** The path of a source, of what the catalog keeps of it; default: the same. */
  fullPath?: (kept: string) => string;
}

export const FILTERS_DEFAULTS = { mostTime: 10_000, fullPath: (kept: string) => kept } as const;

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
 * What filters allow. A filter looks at every file of the catalog, a few at a time, so that the thread answers meanwhile; what it
 * found is kept until the catalog changes.
 */
export class Filters {
  private readonly kept = new Map<string, Promise<AllowedIds>>();
  private state = '';
  private readonly mostTime: number;
  private readonly sql;

  constructor(
    private readonly database: Connection,
    options: FiltersOptions = {},
  ) {
    this.mostTime = options.mostTime ?? FILTERS_DEFAULTS.mostTime;
    defineFilterFunctions(database, { fullPath: options.fullPath ?? FILTERS_DEFAULTS.fullPath });
    this.sql = {
      // What other connections committed, and what this one wrote.
      state: column<[], string>(database, `SELECT data_version || ' ' || total_changes() FROM pragma_data_version`),
      lastFile: column<[], number>(database, 'SELECT ifnull(max(id), 0) FROM files'),
    };
  }

  /**
   * Ids of the images that match, or of the captions of such.
   *
   * @throws PatchwordError INVALID_ARGUMENT for a filter that takes too long
   */
  allowed(target: Target, filter: Filter): Promise<AllowedIds> {
    const state = this.sql.state.get()!;
    if (state !== this.state) this.kept.clear();
    this.state = state;
    const key = `${target} ${JSON.stringify(filter)}`;
    const allowed = this.kept.get(key) ?? this.find(target, filter);
    this.kept.delete(key);
    this.kept.set(key, allowed);
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value!);
    // It may have taken long because the machine was busy: the next to ask tries again.
    allowed.catch(() => this.kept.get(key) === allowed && this.kept.delete(key));
    return allowed;
  }

  private async find(target: Target, filter: Filter): Promise<AllowedIds> {
    const { sql, parameters } = filteredImages(filter);
    const images = `${sql} AND files.id > ? AND files.id <= ?`;
    const query = target === 'images' ? images : `SELECT id FROM captions WHERE image_id IN (${images})`;
    const statement = column<(string | number | null)[], number>(this.database, query);
    const ids: number[] = [];
    let spent = 0;
    let step = FIRST_STEP;
    for (let after = 0; ;) {
      const start = performance.now();
      for (const id of statement.all(...parameters, after, after + step)) ids.push(id);
      const took = performance.now() - start;
      after += step;
      if (after >= this.sql.lastFile.get()!) return new AllowedIds(ids);
      spent += took;
      if (spent > this.mostTime) {
        const message = `The filter takes more than ${this.mostTime / 1000} seconds to look at every file.`;
        throw new PatchwordError('INVALID_ARGUMENT', message, { hint: 'Use fewer conditions.' });
      }
      step = Math.max(1, Math.round(step * Math.min(4, SLICE / took)));
      await nextTurn();
    }
  }
}
