import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf, PatchwordError } from '../../errors.js';
import type { CollectionModel, Neighbor, Target } from '../store.js';
import type { Catalog } from './catalog.js';
import { explainStoreError } from './database.js';
import { readManifest } from './manifest.js';
import { NearestIndex, type IndexQuery } from './nearest.js';
import { findEf, measureRecall, RECALL } from './recall.js';
import { saveGraphs } from './saving.js';

export interface NearestIndexesOptions {
  folder: string;
  catalog: Catalog;
  model: CollectionModel;
  exactBelow: number;
  onNote: (line: string) => void;
  /** Runs `run` while no other process writes to the collection. */
  withLock: (run: () => void) => void;
}

/** What searches find of the nearest, as measured against comparing all. */
export type RecallReport = Record<Target, TargetRecall>;

export interface TargetRecall {
  /** The share of the 100 nearest that is found, 0..1; null where the vectors would not stand still to be measured. */
  recall: number | null;
  /** Candidates that the graph keeps while it looks for 100; null where there is no graph. */
  ef: number | null;
  /** How many can be found. */
  vectors: number;
  /** Whether all are compared, without a graph. */
  exact: boolean;
}

const TARGETS: readonly Target[] = ['images', 'captions'];

/** How long the thread moves vectors into a graph before it answers what has been asked meanwhile. */
const SLICE = 10; // milliseconds

/** Vectors that a graph must have gained for closing to write it again: fewer are quickly caught up with. */
const WORTH_SAVING = 1000;

/** How long a graph is not measured again after the vectors changed under a measurement. */
const MEASURING_PAUSE = 60_000; // milliseconds

/** The vectors of both targets: loaded when first wanted, brought up to date in the background, saved in files. */
export class NearestIndexes {
  private readonly indexes: Record<Target, NearestIndex>;
  private loaded = false;
  /** The files of vectors could not be used. */
  private rebuilding = false;
  /** No graph is measured before, by the clock of `performance`. */
  private measureAfter = 0;
  private closed = false;
  private catchingUp: Promise<void> | undefined;
  private measuring: Promise<boolean> | undefined;
  private flushing: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: NearestIndexesOptions) {
    const { catalog, model, exactBelow } = options;
    const create = (target: Target) => new NearestIndex({ catalog, target, dimension: model.dimension, exactBelow });
    this.indexes = { images: create('images'), captions: create('captions') };
  }

  search({ target, ...query }: IndexQuery & { target: Target }): Neighbor[] {
    this.load();
    const neighbors = this.indexes[target].search(query);
    this.catchUp();
    return neighbors;
  }

  /** Begins to bring in what the catalog has gained, if that is not under way; searches need not wait for it. */
  catchUp(): void {
    this.catchingUp ??= this.improve(() => !this.closed)
      .then(() => {
        if (!this.closed) this.saveBetter();
      })
      .catch((error: unknown) =>
        this.options.onNote(`The vectors could not be brought up to date: ${messageOf(error)}`),
      )
      .finally(() => (this.catchingUp = undefined));
  }

  /** Brings in all that the catalog has, and saves it. */
  flush(): Promise<void> {
    const flush = async () => {
      this.measureAfter = 0;
      await this.improve(() => true);
      this.save();
    };
    const flushed = this.flushing.then(flush, flush);
    this.flushing = flushed;
    return flushed;
  }

  /** Measures what searches find now, on a sample, while the thread answers other calls. */
  async measureRecall(): Promise<RecallReport> {
    const report = async (target: Target): Promise<TargetRecall> => {
      const index = this.indexes[target];
      index.sync();
      if (index.graphSize === 0) return { recall: 1, ef: null, vectors: index.count, exact: true };
      const { catalog } = this.options;
      let recall: number | null = null;
      for (let attempt = 0; attempt < 3 && recall === null && !this.closed; attempt++) {
        recall = await measureRecall({ catalog, target, index, goesOn: () => !this.closed });
      }
      return { recall, ef: index.ef, vectors: index.count, exact: false };
    };
    this.load();
    return { images: await report('images'), captions: await report('captions') };
  }

  /** Lets a flush finish, but stops catching up; how far that came is kept, if far, for the next to open. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.allSettled([this.catchingUp, this.flushing]);
    if (!TARGETS.some((target) => this.indexes[target].unsaved >= WORTH_SAVING)) return;
    try {
      this.save();
    } catch (error) {
      this.options.onNote(`The files of vectors were not saved: ${messageOf(error)}`);
    }
  }

  private load(): void {
    if (this.loaded) return;
    const { folder, model, catalog, onNote } = this.options;
    const entries = readManifest(folder, model);
    for (const target of TARGETS) {
      const fault = this.indexes[target].load(folder, entries[target]);
      if (!fault) continue;
      this.rebuilding = true;
      onNote(`${target}.hnsw ${fault}: rebuilding it from the catalog (${catalog.searchableCount(target)} vectors).`);
    }
    this.loaded = true;
  }

  /** Brings in all that the catalog has, and measures graphs that need it, until nothing is left to do. */
  private async improve(goesOn: () => boolean): Promise<void> {
    do await this.advance(goesOn);
    while (goesOn() && (await (this.measuring ??= this.measure(goesOn).finally(() => (this.measuring = undefined)))));
  }

  /** In slices, between which the thread answers calls. */
  private async advance(goesOn: () => boolean): Promise<void> {
    for (let left = true; left && goesOn();) {
      await nextTurn();
      this.load();
      left = false;
      for (const target of TARGETS) {
        this.indexes[target].sync();
        left = this.indexes[target].advance(SLICE) || left;
      }
    }
  }

  /** Finds the ef of graphs that are new, or have grown. Returns whether vectors have come meanwhile, so that there is more to do. */
  private async measure(goesOn: () => boolean): Promise<boolean> {
    const { catalog, onNote } = this.options;
    if (performance.now() < this.measureAfter) return false;
    for (const target of TARGETS) {
      const index = this.indexes[target];
      if (!index.isUnmeasured) continue;
      const count = index.graphSize;
      const found = await findEf({ catalog, target, index, goesOn });
      if (!found) {
        this.measureAfter = performance.now() + MEASURING_PAUSE;
        return goesOn();
      }
      index.measured = { ...found, count };
      if (found.recall < RECALL.wanted) onNote(describeShortfall(target, found));
    }
    return false;
  }

  /** What took long to make is saved at once, by whoever may write. */
  private saveBetter(): void {
    const { rebuilding } = this;
    if (!rebuilding && !TARGETS.some((target) => this.indexes[target].hasBetter)) return;
    this.rebuilding = false;
    try {
      this.save();
      if (rebuilding) this.options.onNote('The files of vectors are rebuilt.');
    } catch (error) {
      const explained = explainStoreError(error, this.options.folder);
      const code = explained instanceof PatchwordError ? explained.code : '';
      // Who writes meanwhile saves its own; who may only read makes them for itself.
      if (!rebuilding && (code === 'COLLECTION_BUSY' || code === 'READ_ONLY')) return;
      this.options.onNote(`The files of vectors are made anew, but were not saved: ${messageOf(error)}`);
    }
  }

  private save(): void {
    saveGraphs({ ...this.options, indexes: this.indexes });
  }
}

function describeShortfall(target: Target, { ef, recall }: { ef: number; recall: number }): string {
  return `${target}.hnsw finds ${(100 * recall).toFixed(1)} % of the ${RECALL.k} nearest, though it keeps ${ef} candidates.`;
}
