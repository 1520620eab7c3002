import type { ModelInput } from '../vilt/image.js';

/** The modality that an embedding, a candidate or a hit belongs to. */
export type Target = 'images' | 'captions';

/** What a collection is bound to: vectors of another model or prefilter never mix with its own. */
export interface CollectionModel {
  /** Where the model was when the collection was made: a folder or a hub id. */
  path: string;
  /** Hash of the weights. */
  hash: string;
  /** Hash of the prefilter heads: the weights' own, or a fit's. */
  prefilterHash: string;
  /** Length of an embedding. */
  dimension: number;
}

export interface CollectionInfo {
  name: string;
  folder: string;
  model: CollectionModel;
  images: number;
  captions: number;
}

/** One captioned image, embedded and ready to be stored. */
export interface ImageRecord {
  /** Path below the source's root folder, with forward slashes. */
  file: string;
  /** SHA-256 of the file's bytes, hex. */
  contentHash: string;
  bytes: number;
  /** Modification time, in milliseconds since the epoch. */
  modified: number;
  /** Size of the upright original, in pixels. */
  width: number;
  height: number;
  /** Which part of a benchmark it belongs to ("train", "test", …), where the source says. */
  split: string | null;
  /** (dimension), unit length */
  embedding: Float32Array;
  captions: CaptionRecord[];
  modelInput: ModelInput;
}

export interface CaptionRecord {
  text: string;
  /** (dimension), unit length */
  embedding: Float32Array;
}

export interface StoredImage {
  imageId: number;
  /** Path below `root`, with forward slashes. */
  file: string;
  /** Absolute folder of the source. */
  root: string;
  contentHash: string;
  bytes: number;
  modified: number;
  width: number;
  height: number;
  split: string | null;
  captions: string[];
}

export interface StoredCaption {
  captionId: number;
  text: string;
  imageId: number;
}

export interface Neighbor {
  /** imageId or captionId, as the target says. */
  id: number;
  /** Cosine of the two embeddings. */
  similarity: number;
}

/**
 * Where a collection lives. Asynchronous from the start, so that a store may be a worker, or another machine.
 * Ids are positive, below 2^32 and never reused. A batch is written whole or not at all.
 */
export interface Store {
  info(): Promise<CollectionInfo>;

  /**
   * Adds the images of one batch, or replaces those of the same source root and file whose content or captions changed;
   * one transaction. Returns their ids in the order given.
   *
   * @throws PatchwordError DISK_FULL, READ_ONLY, COLLECTION_BUSY; INVALID_ARGUMENT for an embedding of the wrong length,
   * with a value that is not finite or not of unit length, or for a model input that is not (3, height, width).
   */
  upsert(batch: { root: string; images: ImageRecord[] }): Promise<number[]>;

  /** The stored images of one source root, by `file`: what ingestion compares a source with. Pages by `after` (an imageId). */
  scan(page: { root: string; after: number; limit: number }): Promise<StoredImage[]>;

  /** The min(k, count) nearest, best first, ties by id. */
  nearest(query: { target: Target; embedding: Float32Array; k: number }): Promise<Neighbor[]>;

  /** In the order of the ids; ids that are not there are left out. */
  getImages(ids: number[]): Promise<StoredImage[]>;
  getCaptions(ids: number[]): Promise<StoredCaption[]>;

  /** From the model-input cache, in the order of the ids; null where the cache does not hold one. */
  getModelInputs(imageIds: number[]): Promise<(ModelInput | null)[]>;
  putModelInputs(entries: { imageId: number; modelInput: ModelInput }[]): Promise<void>;

  /** Makes all that is derived (vector files) durable. */
  flush(): Promise<void>;
  close(): Promise<void>;
}
