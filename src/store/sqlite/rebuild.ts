import type { Target } from '../store.js';
import type { Catalog } from './catalog.js';
import { VectorGraph } from './vectors.js';

export interface RebuildOptions {
  catalog: Catalog;
  target: Target;
  dimension: number;
  /** How many vectors it is going to have. */
  count: number;
  /** It takes what the catalog held up to this revision. */
  until: number;
}

/** Vectors read from the catalog at a time: few, because adding one takes about a millisecond. */
const PAGE = 16;

/** A graph that will take the place of one with many deleted, read anew from the catalog, a few vectors at a time. */
export class Rebuild {
  readonly graph: VectorGraph;
  /** What the catalog held up to this revision is in the graph. */
  private revision = 0;

  constructor(private readonly options: RebuildOptions) {
    this.graph = VectorGraph.create(options.dimension, options.count);
  }

  /**
   * Takes vectors until `end`, a time of `performance`, and at least one. Returns whether any may be left. Between calls, whatever the
   * catalog loses has to be deleted from the graph.
   */
  advance(end: number): boolean {
    const { catalog, target, until } = this.options;
    for (;;) {
      const vectors = catalog.vectorPage(target, { after: this.revision, until, limit: PAGE });
      if (vectors.length === 0) return false;
      for (const { id, vector, revision } of vectors) {
        this.graph.add(id, vector);
        this.revision = revision;
        if (performance.now() >= end) return true;
      }
    }
  }
}
