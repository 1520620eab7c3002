import { existsSync } from 'node:fs';
import path from 'node:path';
import { makeFolder } from '../../folder.js';
import type { ModelInput } from '../../vilt/image.js';
import type { CollectionInfo, CollectionModel, ImageRecord, Neighbor, StoredCaption, StoredImage } from '../store.js';
import { bindModel, Catalog } from './catalog.js';
import { checkBatch, checkModelInput, checkPage, checkQuery, type NearestQuery } from './check.js';
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
import { NearestIndexes } from './indexes.js';
import { InputCache } from './inputs.js';
import { CATALOG_STEPS } from './schema.js';

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
  private readonly catalog: Catalog;
  private readonly model: CollectionModel;
  private readonly inputs: InputCache;
  private readonly vectors: NearestIndexes;
  private lock: { release(): void } | undefined;
  private writable = false;

  private constructor(
    private readonly options: CollectionOptions,
    private readonly database: Connection,
  ) {
    const { folder, inputCacheBytes, exactBelow, onNote } = options;
    const catalog = new Catalog(database);
    const model = catalog.model();
    this.catalog = catalog;
    this.model = model;
    this.inputs = new InputCache({ file: path.join(folder, 'inputs.sqlite'), maxBytes: inputCacheBytes, onNote });
    const withLock = (run: () => void) => this.withLock(run);
    this.vectors = new NearestIndexes({ folder, catalog, model, exactBelow, onNote, withLock });
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
    const { catalog, model } = this;
    const { name, folder } = this.options;
    return catalog.read(() => ({
      name,
      folder,
      model,
      images: catalog.count('images'),
      captions: catalog.count('captions'),
    }));
  }

  upsert(batch: { root: string; images: ImageRecord[] }): number[] {
    checkBatch(batch.images, this.model.dimension);
    this.beginWriting();
    const ids = this.catalog.upsert(batch);
    this.inputs.put(batch.images);
    this.vectors.catchUp();
    return ids;
  }

  scan(page: { root: string; after: number; limit: number }): StoredImage[] {
    checkPage(page);
    return this.catalog.scan(page);
  }

  nearest(query: NearestQuery): Neighbor[] {
    checkQuery(query, this.model.dimension);
    return this.vectors.search(query);
  }

  getImages(ids: number[]): StoredImage[] {
    return this.catalog.getImages(ids);
  }

  getCaptions(ids: number[]): StoredCaption[] {
    return this.catalog.getCaptions(ids);
  }

  getModelInputs(imageIds: number[]): (ModelInput | null)[] {
    return imageIds.map((imageId) => {
      const contentHash = this.catalog.contentHash(imageId);
      return contentHash === undefined ? null : this.inputs.get(contentHash);
    });
  }

  putModelInputs(entries: { imageId: number; modelInput: ModelInput }[]): void {
    for (const { imageId, modelInput } of entries) checkModelInput(modelInput, `image ${imageId}`);
    this.inputs.put(
      entries.flatMap(({ imageId, modelInput }) => {
        const contentHash = this.catalog.contentHash(imageId);
        return contentHash === undefined ? [] : [{ contentHash, modelInput }];
      }),
    );
  }

  /** Saves the vectors, and lets other processes write. */
  async flush(): Promise<void> {
    await this.vectors.flush();
    this.endWriting();
  }

  async close(): Promise<void> {
    await this.vectors.close();
    this.inputs.close();
    closeDatabase(this.database);
    this.endWriting();
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
