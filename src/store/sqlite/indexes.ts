import { rmSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf } from '../../errors.js';
import type { CollectionModel, Neighbor, Target } from '../store.js';
import type { Catalog } from './catalog.js';
import type { NearestQuery } from './check.js';
import { replaceFile } from './database.js';
import { graphFile, readManifest, writeManifest, type GraphEntry } from './manifest.js';
import { NearestIndex } from './nearest.js';

export interface NearestIndexesOptions {
  folder: string;
  catalog: Catalog;
  model: CollectionModel;
  exactBelow: number;
  onNote: (line: string) => void;
  /** Runs `run` while no other process writes to the collection. */
  withLock: (run: () => void) => void;
}

const TARGETS: readonly Target[] = ['images', 'captions'];

/** How long the thread moves vectors into a graph before it answers what has been asked meanwhile. */
const SLICE = 10; // milliseconds

/** Vectors that a graph must have gained for closing to write it again: fewer are quickly caught up with. */
const WORTH_SAVING = 1000;

/** The vectors of both targets: loaded when first wanted, brought up to date in the background, saved in files. */
export class NearestIndexes {
  private readonly indexes: Record<Target, NearestIndex>;
  private loaded = false;
  private rebuilding = false;
  private closed = false;
  private catchingUp: Promise<void> | undefined;
  private flushing: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: NearestIndexesOptions) {
    const { catalog, model, exactBelow } = options;
    const create = (target: Target) => new NearestIndex({ catalog, target, dimension: model.dimension, exactBelow });
    this.indexes = { images: create('images'), captions: create('captions') };
  }

  search({ target, embedding, k }: NearestQuery): Neighbor[] {
    this.load();
    const index = this.indexes[target];
    index.sync();
    this.catchUp();
    return index.search(embedding, k);
  }

  /** Begins to bring in what the catalog has gained, if that is not under way; searches need not wait for it. */
  catchUp(): void {
    this.catchingUp ??= this.advance(() => !this.closed)
      .then(() => {
        if (this.rebuilding && !this.closed) this.saveRebuilt();
      })
      .catch((error: unknown) =>
        this.options.onNote(`The vectors could not be brought up to date: ${messageOf(error)}`),
      )
      .finally(() => (this.catchingUp = undefined));
  }

  /** Brings in all that the catalog has, and saves it. */
  flush(): Promise<void> {
    const flush = async () => {
      await this.advance(() => true);
      this.save();
    };
    const flushed = this.flushing.then(flush, flush);
    this.flushing = flushed;
    return flushed;
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

  private saveRebuilt(): void {
    this.rebuilding = false;
    try {
      this.save();
      this.options.onNote('The files of vectors are rebuilt.');
    } catch (error) {
      this.options.onNote(`The files of vectors are rebuilt, but were not saved: ${messageOf(error)}`);
    }
  }

  private save(): void {
    if (TARGETS.every((target) => this.indexes[target].unsaved === 0)) return;
    this.options.withLock(() => {
      const { folder, model } = this.options;
      const written: Partial<Record<Target, GraphEntry>> = {};
      try {
        for (const target of TARGETS) {
          const entry = this.indexes[target].write(temporaryFile(folder, target));
          if (entry) written[target] = entry;
        }
        for (const target of TARGETS) {
          if (written[target]) replaceFile(temporaryFile(folder, target), graphFile(folder, target));
        }
        writeManifest(folder, model, { ...readManifest(folder, model), ...written });
        for (const target of TARGETS) if (written[target]) this.indexes[target].markSaved(written[target]);
      } finally {
        for (const target of TARGETS) rmSync(temporaryFile(folder, target), { force: true });
      }
    });
  }
}

function temporaryFile(folder: string, target: Target): string {
  return `${graphFile(folder, target)}.new`;
}
