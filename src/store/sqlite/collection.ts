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
import { checkBatch, checkItems, checkModelInput } from './check.js';
import {
  beginWriting,
  closeDatabase,
  createDatabase,
  isOutdated,
  migrate,
  openDatabase,
  type Connection,
  type Lock,
} from './database.js';
import { catalogFile } from './folders.js';
import { NearestIndexes, type RecallReport } from './indexes.js';
import { InputCache } from './inputs.js';
import { lockCollection, WriteLock } from './lock.js';
import { removeGraphs } from './manifest.js';
import { Places } from './places.js';
import { Queries } from './queries.js';
import { Reindex } from './reindex.js';
import { CATALOG_STEPS } from './schema.js';
import { Tables } from './tables.js';
import { removeThumbnails } from './thumbnails.js';
import { Upkeep } from './upkeep.js';

export interface CollectionOptions {
  name: string;
  folder: string;
  create: CollectionModel | undefined;
  inputCacheBytes: number;
  exactBelow: number;
  warm: boolean;
  onNote: (line: string) => void;
}

/** One collection, in the thread that owns its files: the catalog, and what is derived from it. */
export class Collection {
  readonly tables: Tables;
  readonly queries: Queries;
  readonly upkeep: Upkeep;
  private readonly catalog: Catalog;
  private readonly places: Places;
  private readonly inputs: InputCache;
  private vectors: NearestIndexes;
  private reindex: Reindex | undefined;
  private readonly lock: WriteLock;
  private writable = false;

  private constructor(
    private readonly options: CollectionOptions,
    private readonly database: Connection,
    /** Keeps the folder where it is. */
    private readonly use: Lock,
  ) {
    const { folder, inputCacheBytes, onNote } = options;
    this.lock = new WriteLock(folder);
    this.catalog = new Catalog(database);
    this.places = new Places(folder);
    this.tables = new Tables(this.catalog, database, this.places);
    this.inputs = new InputCache({ file: path.join(folder, 'inputs.sqlite'), maxBytes: inputCacheBytes, onNote });
    this.vectors = this.openVectors();
    this.upkeep = this.openUpkeep();
    const { catalog, tables, places } = this;
    this.queries = new Queries({ catalog, database, tables, places, vectors: () => this.vectors });
  }

  private openUpkeep(): Upkeep {
    const { catalog, tables, inputs, database } = this;
    const { folder, exactBelow } = this.options;
    return new Upkeep({
      ...{ database, catalog, tables, inputs, folder, exactBelow },
      lock: () => this.lock.borrow(),
      rebuildVectors: () => this.rebuildVectors(),
      writing: async (run) => {
        this.beginWriting();
        try {
          return await run();
        } finally {
          this.endWriting();
        }
      },
    });
  }

  /** Makes the files of vectors from the catalog alone. Until they are there, whoever opens the collection makes them too. */
  private async rebuildVectors(): Promise<void> {
    await this.vectors.close();
    removeGraphs(this.options.folder);
    this.vectors = this.openVectors();
    await this.vectors.flush();
  }

  private openVectors(): NearestIndexes {
    const { catalog } = this;
    const { folder, exactBelow, onNote } = this.options;
    const withLock = (run: () => void) => this.lock.during(run);
    return new NearestIndexes({ folder, catalog, model: catalog.model, exactBelow, onNote, withLock });
  }

  private get model(): CollectionModel {
    return this.catalog.model;
  }

  /** Opens a collection, or makes it where there is none and `create` says what it is bound to. */
  static open(options: CollectionOptions): Collection {
    const { folder, create } = options;
    const file = catalogFile(folder);
    if (create) makeFolder(folder);
    const use = lockCollection(folder, 'read');
    let database: Connection | undefined;
    try {
      if (create && !existsSync(file)) {
        new WriteLock(folder).during(() => {
          if (!existsSync(file)) createDatabase(file, CATALOG_STEPS, (created) => bindModel(created, create));
        });
      }
      const opened = (database = openDatabase(file, CATALOG_STEPS));
      if (isOutdated(opened, CATALOG_STEPS)) new WriteLock(folder).during(() => migrate(opened, CATALOG_STEPS));
      const collection = new Collection(options, opened, use);
      if (options.warm) collection.vectors.catchUp();
      return collection;
    } catch (error) {
      database?.close();
      use.release();
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
    checkItems(imageIds);
    const contents = this.write(() => this.tables.removal.removeImages(imageIds));
    this.inputs.remove(contents);
    const gone = new Set(contents);
    removeThumbnails(this.options.folder, (contentHash) => gone.has(contentHash));
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

  putModelInputs(entries: { imageId: number; contentHash: string; modelInput: ModelInput }[]): void {
    for (const { imageId, modelInput } of entries) checkModelInput(modelInput, `image ${imageId}`);
    const { inputSize } = this.model;
    const current = entries.filter(
      ({ imageId, contentHash }) => this.tables.images.contentHash(imageId) === contentHash,
    );
    this.inputs.put(current.map(({ contentHash, modelInput }) => ({ contentHash, inputSize, modelInput })));
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
      root: this.places.find(image.root),
      modelInput: image.embedded ? null : this.inputs.get({ contentHash: image.contentHash, inputSize }),
    }));
  }

  putReembeddings(batch: Reembedding[]): void {
    const reindex = this.reindexUnderWay();
    reindex.put(batch);
    const { inputSize } = reindex.model;
    this.inputs.put(
      batch.flatMap(({ imageId, modelInput }) => {
        const contentHash = this.tables.images.contentHash(imageId);
        return contentHash === undefined || !modelInput ? [] : [{ contentHash, inputSize, modelInput }];
      }),
    );
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
    this.endWriting();
  }

  async close(): Promise<void> {
    await this.queries.close();
    await this.vectors.close();
    this.inputs.close();
    this.reindex?.close();
    closeDatabase(this.database);
    this.lock.end();
    this.use.release();
  }

  private reindexUnderWay(): Reindex {
    if (this.reindex) return this.reindex;
    throw new PatchwordError('INVALID_ARGUMENT', 'No reindex of the collection is under way: begin one first.');
  }

  private beginWriting(): void {
    this.lock.begin();
    if (!this.writable) beginWriting(this.database, 'FULL');
    this.writable = true;
  }

  private endWriting(): void {
    if (!this.reindex) this.lock.end();
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
