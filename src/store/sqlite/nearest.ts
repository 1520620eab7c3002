import type { Neighbor, Target } from '../store.js';
import type { Catalog } from './catalog.js';
import { VectorTable } from './exact.js';
import { measureFile, readGraph, type GraphEntry, type MeasuredRecall } from './manifest.js';
import { Rebuild } from './rebuild.js';
import { searchVectors, type VectorQuery } from './neighbors.js';
import { VectorGraph } from './vectors.js';

/** A graph with more of its vectors deleted than this is built anew. */
const MAX_DELETED = 0.2;

/** Candidates that a graph keeps while it looks for 100, until a measurement says what is enough. */
const UNMEASURED_EF = 200;

export interface NearestOptions {
  catalog: Catalog;
  target: Target;
  dimension: number;
  /** Of fewer vectors than this there is no graph. */
  exactBelow: number;
}

export type IndexQuery = Omit<VectorQuery, 'ef'> & { ef?: number };

/**
 * The vectors of one target, ready to be searched: a copy of what the catalog holds. New vectors come to a table that
 * is searched exactly; of a large collection the oldest then move to a graph, a few at a time (`advance`). A search asks
 * both, so it is right at every moment, however far the graph has come. A graph that is built anew, because many of its
 * vectors were deleted, serves until the next one has all of it; meanwhile what is new waits in the table.
 */
export class NearestIndex {
  private readonly table: VectorTable;
  /** How many the catalog held at first: of these, a graph may have been saved. */
  private readonly firstCount: number;
  private graph: VectorGraph | undefined;
  private rebuild: Rebuild | undefined;
  /** What the catalog held up to this revision is here. */
  private revision = 0;
  /** The highest id that was ever here. */
  private lastId = 0;
  /** The graph on disk, as this process read or wrote it. */
  private saved: GraphEntry | null = null;
  /** The one that it could not read. */
  private useless: GraphEntry | null = null;
  /** Vectors that the graph has taken since it was loaded, saved or begun. */
  unsaved = 0;
  /** The graph has taken the place of one with many deleted, and is not saved. */
  private isAnew = false;
  /** What the graph finds; null until it is measured. */
  measured: MeasuredRecall | null = null;

  constructor(private readonly options: NearestOptions) {
    this.table = new VectorTable(options.dimension);
    this.firstCount = options.catalog.searchableCount(options.target);
  }

  get count(): number {
    return this.table.count + (this.graph?.count ?? 0);
  }

  /** Vectors in the graph, those deleted included; 0 where all are compared. */
  get graphSize(): number {
    return this.graph?.size ?? 0;
  }

  /** Whether the graph is another than the one that was measured, or has grown by half since. */
  get isUnmeasured(): boolean {
    return this.graphSize > 1.5 * (this.measured?.count ?? 0);
  }

  /** Whether the graph on disk is the one here, but for what was measured since. */
  isSaved(entry: GraphEntry): boolean {
    return this.unsaved === 0 && this.saved?.checksum === entry.checksum;
  }

  /** Whether there is something to save. */
  get hasNews(): boolean {
    return this.unsaved > 0 || (this.saved !== null && this.saved.measured !== this.measured);
  }

  /** Whether there is something to save that took long to make, or is little to write. */
  get hasBetter(): boolean {
    return this.isAnew || (this.unsaved === 0 && this.hasNews);
  }

  /** Candidates that the graph keeps while it looks for 100. */
  get ef(): number {
    return this.measured?.ef ?? UNMEASURED_EF;
  }

  /**
   * Reads the graph that `entry` describes, if the collection is large enough to want one. Returns why it cannot be
   * used, if it cannot; it is then built anew from the catalog.
   */
  load(folder: string, entry: GraphEntry | null): string | undefined {
    const { catalog, target, dimension, exactBelow } = this.options;
    if (this.firstCount === 0 || this.firstCount < exactBelow) return undefined;
    const graph = readGraph({ folder, target, dimension, entry, newest: catalog.revision() });
    if (typeof graph === 'string') {
      this.useless = entry;
      return graph;
    }
    this.graph = graph;
    for (const id of graph) this.lastId = Math.max(this.lastId, id);
    this.saved = entry!;
    this.measured = this.saved.measured;
    this.revision = this.saved.revision;
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
      const gone = new Set([...rewritten, ...catalog.takeRemoved(target)]);
      if (gone.size > 0) this.forget(gone);
      for (const { id, vector } of catalog.vectorsSince(target, this.revision)) {
        this.table.push(id, vector);
        this.lastId = Math.max(this.lastId, id);
      }
      // What another process has removed shows in their number alone.
      if (this.count !== catalog.searchableCount(target)) this.forgetAllBut(new Set(catalog.ids(target)));
      this.revision = revision;
    });
  }

  /** The min(k, matches) nearest of what the catalog holds now. `ef` is as measured where it is not given. @throws as `sync` */
  search({ ef = this.ef, ...query }: IndexQuery): Neighbor[] {
    const { catalog, target } = this.options;
    return catalog.read(() => {
      this.sync();
      return searchVectors({ catalog, target, table: this.table, graph: this.graph }, { ...query, ef });
    });
  }

  /** Moves vectors to the graph for about so long, and at least one. Returns whether any are left to move. */
  advance(milliseconds: number): boolean {
    const end = performance.now() + milliseconds;
    if (this.graph && !this.rebuild && this.graph.count < (1 - MAX_DELETED) * this.graph.size)
      this.beginAnew(this.graph);
    if (this.rebuild) return this.advanceRebuild(this.rebuild, end);
    if (this.count < this.options.exactBelow || this.table.count === 0) return false;
    const graph = (this.graph ??= VectorGraph.create(this.options.dimension, this.count));
    do {
      const { id, vector } = this.table.shift();
      graph.add(id, vector);
      this.unsaved++;
    } while (this.table.count > 0 && performance.now() < end);
    if (this.table.count > 0) return true;
    this.table.clear(); // Its memory is as large as all that went through it.
    return false;
  }

  private beginAnew(graph: VectorGraph): void {
    const { catalog, target, dimension, exactBelow } = this.options;
    if (this.count < exactBelow) {
      this.table.clear();
      this.graph = undefined;
      this.measured = null;
      this.revision = this.unsaved = 0;
      this.sync();
    } else {
      const until = catalog.read(() => {
        this.sync();
        return this.movedRevision();
      });
      this.rebuild = new Rebuild({ catalog, target, dimension, count: graph.count, until });
    }
  }

  private advanceRebuild(rebuild: Rebuild, end: number): boolean {
    const left = this.options.catalog.read(() => {
      this.sync(); // What is deleted is not read, and what was read is told here when it is deleted.
      return rebuild.advance(end);
    });
    if (left) return true;
    this.graph = rebuild.graph;
    this.rebuild = undefined;
    this.measured &&= { ...this.measured, count: 0 }; // The best guess until it is measured.
    this.unsaved = this.graph.size;
    this.isAnew = true;
    return this.advance(end - performance.now());
  }

  /** The revision up to which all vectors of the catalog are in the graph, as `sync` has just found them. */
  private movedRevision(): number {
    const { catalog, target } = this.options;
    return this.table.count === 0 ? this.revision : catalog.revisionOf(target, this.table.first)! - 1;
  }

  /**
   * Writes the graph to `file`; returns what to say of it in the manifest, or null where the one on disk, which another process may
   * have written, is no worse.
   */
  write(file: string, onDisk: GraphEntry | null): GraphEntry | null {
    const { graph } = this;
    if (!graph || this.unsaved === 0) return null;
    const revision = this.options.catalog.read(() => {
      this.sync();
      return this.movedRevision();
    });
    const there = onDisk?.checksum === this.useless?.checksum ? null : onDisk;
    if (revision < Math.max(this.saved?.revision ?? 0, there?.revision ?? 0)) return null;
    graph.save(file);
    return { revision, count: graph.size, measured: this.measured, ...measureFile(file) };
  }

  /** The graph that `write` wrote is now the one on disk. */
  markSaved(entry: GraphEntry): void {
    this.saved = entry;
    this.unsaved = 0;
    this.isAnew = false;
  }

  private forget(ids: ReadonlySet<number>): void {
    this.table.remove(ids);
    for (const id of ids) {
      this.graph?.delete(id);
      this.rebuild?.graph.delete(id);
    }
  }

  private forgetAllBut(kept: ReadonlySet<number>): void {
    const here = [...this.table, ...(this.graph ?? [])];
    this.forget(new Set(here.filter((id) => !kept.has(id))));
  }
}
