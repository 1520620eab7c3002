import { checkFilter, type Filter } from '../../filter.js';
import type { CaptionMatches, Neighbors, StoredImage, Target } from '../store.js';
import { Filters, type AllowedIds } from './allowed.js';
import type { Catalog } from './catalog.js';
import { checkPage, checkQuery, checkText, type NearestQuery } from './check.js';
import type { Connection } from './database.js';
import type { NearestIndexes } from './indexes.js';
import type { Places } from './places.js';
import type { Tables } from './tables.js';
import { CaptionWords } from './words.js';

export interface QueriesOptions {
  catalog: Catalog;
  database: Connection;
  tables: Tables;
  places: Places;
  /** The vectors of the model that the collection is bound to now. */
  vectors: () => NearestIndexes;
}

/** What is asked of a collection, with filters. What a filter allows is found first, then the rest in one snapshot of the catalog. */
export class Queries {
  private readonly filters: Filters;
  private readonly words: CaptionWords;
  private readonly running = new Set<Promise<unknown>>();

  constructor(private readonly options: QueriesOptions) {
    this.filters = new Filters(options.database, { fullPath: (kept) => options.places.find(kept) });
    this.words = new CaptionWords(options.catalog, options.database);
  }

  nearest({ filter, ...query }: NearestQuery): Promise<Neighbors> {
    const { catalog, vectors } = this.options;
    checkQuery(query, catalog.model.dimension);
    return this.filtered({ target: query.target, filter }, (allowed) => ({
      neighbors: vectors().search({ ...query, allowed }),
      complete: true,
    }));
  }

  captionMatches({ filter, ...query }: Omit<NearestQuery, 'target'> & { text: string }): Promise<CaptionMatches> {
    const { catalog } = this.options;
    checkQuery({ target: 'captions', ...query }, catalog.model.dimension);
    checkText(query.text);
    return this.filtered({ target: 'captions', filter }, (allowed) => {
      catalog.requireBinding();
      return this.words.match({ ...query, allowed });
    });
  }

  scan({ filter, ...page }: { after: number; limit: number; filter?: Filter }): Promise<StoredImage[]> {
    const { images } = this.options.tables;
    checkPage(page);
    return this.filtered({ target: 'images', filter }, (allowed) => {
      if (!allowed) return images.scan(page);
      for (let { after } = page; ;) {
        const ids = allowed.page({ ...page, after });
        const found = images.get(ids);
        // All of them may have been removed since they were found; an empty page would be the last.
        if (found.length > 0 || ids.length === 0) return found;
        after = ids.at(-1)!;
      }
    });
  }

  count(filter?: Filter): Promise<number> {
    const { catalog } = this.options;
    return this.filtered({ target: 'images', filter }, (allowed) => allowed?.size ?? catalog.count('images'));
  }

  /** Lets what was asked before finish. */
  async close(): Promise<void> {
    await Promise.allSettled(this.running);
    this.words.close();
  }

  private filtered<T>(
    { target, filter }: { target: Target; filter: Filter | undefined },
    ask: (allowed: AllowedIds | undefined) => T,
  ): Promise<T> {
    const checked = filter === undefined ? undefined : checkFilter(filter);
    const run = async () => {
      const allowed = checked && (await this.filters.allowed(target, checked));
      return this.options.catalog.read(() => ask(allowed));
    };
    const running = run().finally(() => this.running.delete(running));
    this.running.add(running);
    return running;
  }
}
