import type { Device, Inference, Precision } from './inference/inference.js';
import type { Search, SearchQuery } from './search.js';
import type { CollectionInfo, Store } from './store/store.js';

export interface EngineOptions {
  collection: string;
  /** Folder that holds the collections. Default: PATCHWORD_DATA, else .patchword */
  data?: string;
  /** A model folder. Default: the one the collection was built with. */
  model?: string;
  /** Makes the collection where there is none. */
  create?: boolean;
  device?: Device;
  precision?: Precision;
}

/** A collection and its model, open for searching. */
export interface Engine {
  readonly store: Store;
  readonly inference: Inference;
  info(): Promise<CollectionInfo>;
  search(query: SearchQuery): Search;
  close(): Promise<void>;
}

/**
 * Opens a collection with the model that it is bound to.
 *
 * @throws PatchwordError COLLECTION_NOT_FOUND, MODEL_MISMATCH, MODEL_NOT_FOUND, MODEL_INCOMPLETE, PREFILTER_MISSING
 */
export declare function openEngine(options: EngineOptions): Promise<Engine>;
