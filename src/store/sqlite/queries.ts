import { checkFilter, type Filter } from '../../filter.js';
import type { CaptionMatches, Neighbors, StoredImage } from '../store.js';
import { Filters } from './allowed.js';
import type { Catalog } from './catalog.js';
import { checkPage, checkQuery, type NearestQuery } from './check.js';
import type { Connection } from './database.js';
import type { NearestIndexes } from './indexes.js';
import type { Tables } from './tables.js';
import { matchCaptions } from './words.js';

export interface QueriesOptions {
  catalog: Catalog;
  database: Connection;
  tables: Tables;
  /** The vectors of the model that the collection is bound to now. */
  vectors: () => NearestIndexes;
}

/** What is asked of a collection, with filters. Each answer is of one snapshot of the catalog. */
export class Queries {
  private readonly filters: Filters;

  constructor(private readonly options: QueriesOptions) {
    this.filters = new Filters(options.database);
  }

  nearest({ filter, ...query }: NearestQuery): Neighbors {
    const { catalog, vectors } = this.options;
    checkQuery(query, catalog.model.dimension);
    const checked = this.check(filter);
    const neighbors = catalog.read(() =>
      vectors().search({ ...query, allowed: checked && this.filters.allowed(query.target, checked) }),
    );
    return { neighbors, complete: true };
  }

  captionMatches({ filter, ...query }: Omit<NearestQuery, 'target'> & { text: string }): CaptionMatches {
    const { catalog, database } = this.options;
    checkQuery({ target: 'captions', ...query }, catalog.model.dimension);
    this.check(filter);
    return catalog.read(() => {
      catalog.requireBinding();
      return matchCaptions(database, query);
    });
  }

  scan({ filter, ...page }: { after: number; limit: number; filter?: Filter }): StoredImage[] {
    const { catalog, tables } = this.options;
    checkPage(page);
    const checked = this.check(filter);
    if (!checked) return tables.images.scan(page);
    return catalog.read(() => tables.images.get(this.filters.allowed('images', checked).page(page)));
  }

  count(filter?: Filter): number {
    const { catalog } = this.options;
    const checked = this.check(filter);
    return catalog.read(() => (checked ? this.filters.allowed('images', checked).size : catalog.count('images')));
  }

  private check(filter: Filter | undefined): Filter | undefined {
    return filter === undefined ? undefined : checkFilter(filter);
  }
}
