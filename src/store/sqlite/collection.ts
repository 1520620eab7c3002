import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { PatchwordError } from '../../errors.js';
import { makeFolder } from '../../folder.js';
import type { ModelInput } from '../../vilt/image.js';
import type {
  CollectionInfo,
  CollectionModel,
  CollectionStatistics,
  ImageRecord,
  PendingImage,
  Reembedding,
  ReindexState,
} from '../store.js';
import { bindModel, Catalog } from './catalog.js';
import { checkBatch, checkCount, checkModelInput } from './check.js';
import {
  beginWriting,
  closeDatabase,
  createDatabase,
  isOutdated,
  lockFile,
  migrate,
  openDatabase,
  type Connection,
} from './database.js';
import { NearestIndexes, type RecallReport } from './indexes.js';
import { InputCache } from './inputs.js';
import { Queries } from './queries.js';
import { Reindex } from './reindex.js';
import { CATALOG_STEPS } from './schema.js';
import { Tables } from './tables.js';

export interface CollectionOptions {
  name: string;
  folder: string;
  create: CollectionModel | undefined;
  inputCacheBytes: number;
  exactBelow: number;
  onNote: (line: string) => void;
}

/** One collection, in the thread that owns its files: the catalog, and what is derived from it. */
export class Collection {
  readonly tables: Tables;
  readonly queries: Queries;
  private readonly catalog: Catalog;
  private readonly inputs: InputCache;
  private vectors: NearestIndexes;
  private reindex: Reindex | undefined;
  private lock: { release(): void } | undefined;
  private writable = false;

  private constructor(
    private readonly options: CollectionOptions,
    private readonly database: Connection,
  ) {
    const { folder, inputCacheBytes, onNote } = options;
    this.catalog = new Catalog(database);
    this.tables = new Tables(this.catalog, database);
    this.inputs = new InputCache({ file: path.join(folder, 'inputs.sqlite'), maxBytes: inputCacheBytes, onNote });
    this.vectors = this.openVectors();
    this.queries = new Queries({ catalog: this.catalog, database, tables: this.tables, vectors: () => this.vectors });
  }

  private openVectors(): NearestIndexes {
    const { catalog } = this;
    const { folder, exactBelow, onNote } = this.options;
    const withLock = (run: () => void) => this.withLock(run);
    return new NearestIndexes({ folder, catalog, model: catalog.model, exactBelow, onNote, withLock });
  }

  private get model(): CollectionModel {
    return this.catalog.model;
  }

  /** Opens a collection, or makes it where there is none and `create` says what it is bound to. */
  static open(options: CollectionOptions): Collection {
    const { folder, create } = options;
    const file = path.join(folder, 'catalog.sqlite');
    if (create && !existsSync(file)) {
      makeFolder(folder);
      locked(folder, () => {
        if (!existsSync(file)) createDatabase(file, CATALOG_STEPS, (database) => bindModel(database, create));
      });
    }
    const database = openDatabase(file, CATALOG_STEPS);
    try {
      if (isOutdated(database, CATALOG_STEPS)) locked(folder, () => migrate(database, CATALOG_STEPS));
      const collection = new Collection(options, database);
      collection.vectors.catchUp();
      return collection;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  info(): CollectionInfo {
    const { catalog } = this;
    const { name, folder } = this.options;
    return catalog.read(() => ({
      name,
      folder,
      model: this.model,
      images: catalog.count('images'),
      captions: catalog.count('captions'),
    }));
  }

  statistics(): CollectionStatistics {
    const { folder } = this.options;
    const bytes = (...files: string[]) => files.reduce((sum, file) => sum + sizeOf(path.join(folder, file)), 0);
    return {
      ...this.tables.statistics(),
      bytes: {
        catalog: bytes('catalog.sqlite', 'catalog.sqlite-wal'),
        vectors: bytes('images.hnsw', 'captions.hnsw', 'manifest.json'),
        modelInputs: bytes('inputs.sqlite', 'inputs.sqlite-wal'),
      },
    };
  }

  /** Runs what writes to the catalog, as the one process that may, and lets the vectors follow. */
  write<T>(run: () => T): T {
    this.beginWriting();
    const result = run();
    this.vectors.catchUp();
    return result;
  }

  upsert(batch: { sourceId: number; images: ImageRecord[] }): number[] {
    checkBatch(batch.images, this.model.dimension);
    const ids = this.write(() => this.tables.records.upsert(batch));
    const { inputSize } = this.model;
    this.inputs.put(
      batch.images.flatMap(({ contentHash, modelInput }) =>
        modelInput ? [{ contentHash, inputSize, modelInput }] : [],
      ),
    );
    return ids;
  }

  remove(imageIds: number[]): number {
    checkCount(imageIds);
    const contents = this.write(() => this.tables.removal.removeImages(imageIds));
    this.inputs.remove(contents);
    return contents.length;
  }

  measureRecall(): Promise<RecallReport> {
    return this.vectors.measureRecall();
  }

  getModelInputs(imageIds: number[]): (ModelInput | null)[] {
    return imageIds.map((imageId) => {
      const contentHash = this.tables.images.contentHash(imageId);
      return contentHash === undefined ? null : this.inputs.get({ contentHash, inputSize: this.model.inputSize });
    });
  }

  putModelInputs(entries: { imageId: number; modelInput: ModelInput }[]): void {
    for (const { imageId, modelInput } of entries) checkModelInput(modelInput, `image ${imageId}`);
    this.cacheInputs(entries, this.model.inputSize);
  }

  beginReindex(model: CollectionModel): ReindexState {
    this.beginWriting();
    this.catalog.requireBinding();
    this.reindex?.close();
    this.reindex = undefined;
    this.reindex = Reindex.begin({
      database: this.database,
      folder: this.options.folder,
      bound: this.model,
      model,
    });
    return this.reindex.state();
  }

  pendingImages(page: { after: number; limit: number }): PendingImage[] {
    const reindex = this.reindexUnderWay();
    const { inputSize } = reindex.model;
    return reindex.pendingImages(page).map((image) => ({
      ...image,
      modelInput: this.inputs.get({ contentHash: image.contentHash, inputSize }),
    }));
  }

  putReembeddings(batch: Reembedding[]): void {
    const reindex = this.reindexUnderWay();
    reindex.put(batch);
    this.cacheInputs(batch, reindex.model.inputSize);
  }

  async finishReindex({ unreadable }: { unreadable: number[] }): Promise<void> {
    const reindex = this.reindexUnderWay();
    await this.vectors.close();
    try {
      reindex.swap(unreadable);
      this.reindex = undefined;
      reindex.remove();
    } finally {
      this.catalog.rebind();
      this.vectors = this.openVectors();
    }
  }

  /** Saves the vectors, and lets other processes write unless a reindex is under way. */
  async flush(): Promise<void> {
    await this.vectors.flush();
    if (!this.reindex) this.endWriting();
  }

  async close(): Promise<void> {
    await this.vectors.close();
    this.inputs.close();
    this.reindex?.close();
    closeDatabase(this.database);
    this.endWriting();
  }

  private reindexUnderWay(): Reindex {
    if (this.reindex) return this.reindex;
    throw new PatchwordError('INVALID_ARGUMENT', 'No reindex of the collection is under way: begin one first.');
  }

  private cacheInputs(entries: { imageId: number; modelInput: ModelInput | null }[], inputSize: string): void {
    this.inputs.put(
      entries.flatMap(({ imageId, modelInput }) => {
        const contentHash = this.tables.images.contentHash(imageId);
        return contentHash === undefined || !modelInput ? [] : [{ contentHash, inputSize, modelInput }];
      }),
    );
  }

  private beginWriting(): void {
    this.lock ??= lockFile(lockPath(this.options.folder));
    if (!this.writable) beginWriting(this.database, 'FULL');
    this.writable = true;
  }

  private endWriting(): void {
    this.lock?.release();
    this.lock = undefined;
  }

  private withLock(run: () => void): void {
    if (this.lock) run();
    else locked(this.options.folder, run);
  }
}

function lockPath(folder: string): string {
  return path.join(folder, 'lock.sqlite');
}

function locked(folder: string, run: () => void): void {
  const lock = lockFile(lockPath(folder));
  try {
    run();
  } finally {
    lock.release();
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
