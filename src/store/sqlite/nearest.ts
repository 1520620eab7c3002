import { dot } from '../../vector.js';
import { existsSync } from 'node:fs';
import { messageOf } from '../../errors.js';
import type { Neighbor, Target } from '../store.js';
import type { Catalog } from './catalog.js';
import { Best, VectorTable } from './exact.js';
import { graphFile, measureFile, type GraphEntry } from './manifest.js';
import { VectorGraph } from './vectors.js';

/** A graph with more of its vectors deleted than this is built anew. */
const MAX_DELETED = 0.2;

export interface NearestOptions {
  catalog: Catalog;
  target: Target;
  dimension: number;
  /** Of fewer vectors than this there is no graph. */
  exactBelow: number;
}

/**
 * The vectors of one target, ready to be searched: a copy of what the catalog holds. New vectors come to a table that
 * is searched exactly; of a large collection the oldest then move to a graph, a few at a time (`advance`). A search asks
 * both, so it is right at every moment, however far the graph has come.
 */
export class NearestIndex {
  private readonly table: VectorTable;
  /** How many the catalog held at first: of these, a graph may have been saved. */
  private readonly firstCount: number;
  private graph: VectorGraph | undefined;
  /** What the catalog held up to this revision is here. */
  private revision = 0;
  /** The highest id that was ever here. */
  private lastId = 0;
  /** Revision of the graph on disk. */
  private savedRevision = 0;
  /** Vectors that the graph has taken since it was loaded, saved or begun. */
  unsaved = 0;

  constructor(private readonly options: NearestOptions) {
    this.table = new VectorTable(options.dimension);
    this.firstCount = options.catalog.searchableCount(options.target);
  }

  get count(): number {
    return this.table.count + (this.graph?.count ?? 0);
  }

  /**
   * Reads the graph that `entry` describes, if the collection is large enough to want one. Returns why it cannot be
   * used, if it cannot; it is then built anew from the catalog.
   */
  load(folder: string, entry: GraphEntry | null): string | undefined {
    const { catalog, target, dimension, exactBelow } = this.options;
    if (this.firstCount === 0 || this.firstCount < exactBelow) return undefined;
    const file = graphFile(folder, target);
    if (!existsSync(file)) return 'is missing';
    if (!entry) return 'is not described by the manifest';
    if (entry.revision > catalog.revision()) return 'is newer than the catalog';
    const { bytes, checksum } = measureFile(file);
    if (bytes !== entry.bytes) return `has ${bytes} bytes where the manifest says ${entry.bytes}`;
    if (checksum !== entry.checksum) return 'does not match its checksum';
    let graph: VectorGraph;
    try {
      graph = VectorGraph.load(file, dimension);
    } catch (error) {
      return `cannot be read (${messageOf(error)})`;
    }
    if (graph.size !== entry.count) return `holds ${graph.size} vectors where the manifest says ${entry.count}`;
    this.graph = graph;
    for (const id of graph) this.lastId = Math.max(this.lastId, id);
    this.revision = this.savedRevision = entry.revision;
    return undefined;
  }

  /**
   * Brings in what the catalog has gained and drops what it has lost, also by another process.
   *
   * @throws PatchwordError MODEL_MISMATCH where the catalog now holds vectors of another model
   */
  sync(): void {
    const { catalog, target } = this.options;
    catalog.read(() => {
      const revision = catalog.revision();
      if (revision === this.revision) return;
      catalog.requireBinding();
      // What is new has a higher id: looking for it among all that is here, batch after batch, would take ever longer.
      const rewritten = catalog.idsSince(target, this.revision).filter((id) => id <= this.lastId);
      if (rewritten.length > 0) this.forget(new Set(rewritten));
      for (const { id, vector } of catalog.vectorsSince(target, this.revision)) {
        this.table.push(id, vector);
        this.lastId = Math.max(this.lastId, id);
      }
      if (this.count !== catalog.searchableCount(target)) this.forgetAllBut(new Set(catalog.ids(target)));
      this.revision = revision;
    });
  }

  /** The min(k, count) nearest of what the last `sync` saw. */
  search(query: Float32Array, k: number): Neighbor[] {
    const { catalog, target } = this.options;
    const wanted = Math.min(k, this.count);
    const best = new Best(wanted);
    this.table.search(query, best);
    if (!this.graph) return best.sorted();
    const found = this.graph.search(query, wanted, best);
    if (found >= Math.min(wanted, this.graph.count)) return best.sorted();
    // Islands that no link leads to: equal vectors make them, and deleted ones. Rare, so the catalog itself is searched.
    const exact = new Best(wanted);
    for (const { id, vector } of catalog.vectorsSince(target, 0)) exact.offer(id, dot(query, vector));
    return exact.sorted();
  }

  /** Moves vectors from the table to the graph for about so long, and at least one. Returns whether any are left to move. */
  advance(milliseconds: number): boolean {
    if (this.graph && this.graph.count < (1 - MAX_DELETED) * this.graph.size) this.restart();
    if (this.count < this.options.exactBelow || this.table.count === 0) return false;
    const graph = (this.graph ??= VectorGraph.create(this.options.dimension));
    const end = performance.now() + milliseconds;
    do {
      const { id, vector } = this.table.shift();
      graph.add(id, vector);
      this.unsaved++;
    } while (this.table.count > 0 && performance.now() < end);
    return this.table.count > 0;
  }

  /** Writes the graph to `file`; returns what to say of it in the manifest, or null where the one on disk is no worse. */
  write(file: string): GraphEntry | null {
    const { graph, table } = this;
    const { catalog, target } = this.options;
    if (!graph || this.unsaved === 0) return null;
    const revision = catalog.read(() => {
      this.sync();
      return table.count === 0 ? this.revision : catalog.revisionOf(target, table.first)! - 1;
    });
    if (revision < this.savedRevision) return null;
    graph.save(file);
    return { revision, count: graph.size, ...measureFile(file) };
  }

  /** The graph that `write` wrote is now the one on disk. */
  markSaved({ revision }: GraphEntry): void {
    this.savedRevision = revision;
    this.unsaved = 0;
  }

  /** Begins again with all vectors in the table and none in a graph. */
  private restart(): void {
    this.graph = undefined;
    this.table.remove(new Set(this.table));
    this.revision = 0;
    this.unsaved = 0;
    this.sync();
  }

  private forget(ids: ReadonlySet<number>): void {
    this.table.remove(ids);
    for (const id of ids) this.graph?.delete(id);
  }

  private forgetAllBut(kept: ReadonlySet<number>): void {
    const here = [...this.table, ...(this.graph ?? [])];
    this.forget(new Set(here.filter((id) => !kept.has(id))));
  }
}
