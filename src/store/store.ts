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
  /**
   * How large model inputs are: `<shortest edge>/<size divisor>`, in pixels. Those of another size are never used.
   * Empty in a collection made before it was kept.
   */
  inputSize: string;
}

/** Whether embeddings of the two can be compared. An input size that was not kept is taken for the same. */
export function isSameModel(one: CollectionModel, other: CollectionModel): boolean {
  const sameSize = one.inputSize === other.inputSize || one.inputSize === '' || other.inputSize === '';
  return one.hash === other.hash && one.prefilterHash === other.prefilterHash && sameSize;
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
  /**
   * Whether `nearest` can find the image. Not where its file could not be read when the collection was reindexed;
   * an upsert of it, also an unchanged one, mends that.
   */
  searchable: boolean;
}

export interface Source {
  /** Absolute folder. */
  root: string;
  /** How many images are from there. */
  images: number;
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

/** An image that a reindex has not embedded yet. */
export interface PendingImage {
  imageId: number;
  file: string;
  root: string;
  contentHash: string;
  captions: { captionId: number; text: string }[];
  /** From the cache, where it holds one of the size that the next model reads. */
  modelInput: ModelInput | null;
}

/** What a reindex puts in the place of an image's embeddings. */
export interface Reembedding {
  imageId: number;
  /** (dimension of the next model), unit length; null where the image cannot be read, so that only its captions are kept. */
  embedding: Float32Array | null;
  captions: { captionId: number; embedding: Float32Array }[];
  /** For the cache; null where it is there, or cannot be made. */
  modelInput: ModelInput | null;
}

export interface ReindexState {
  /** Images in the collection. */
  total: number;
  /** Images that need not be embedded again: an earlier reindex with the same model was stopped after them. */
  done: number;
  /** The model of an unfinished reindex that was given up for this one. */
  abandoned: CollectionModel | null;
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
   * @throws PatchwordError MODEL_MISMATCH once the collection was reindexed with another model since it was opened;
   * DISK_FULL, READ_ONLY, COLLECTION_BUSY; INVALID_ARGUMENT for an embedding of the wrong length,
   * with a value that is not finite or not of unit length, or for a model input that is not (3, height, width).
   */
  upsert(batch: { root: string; images: ImageRecord[] }): Promise<number[]>;

  /** The stored images of one source root, by `file`: what ingestion compares a source with. Pages by `after` (an imageId). */
  scan(page: { root: string; after: number; limit: number }): Promise<StoredImage[]>;

  /** Where the images come from, in the order in which their sources were added. */
  sources(): Promise<Source[]>;

  /**
   * Says that the files of a source now lie below another folder; ids and embeddings stay. One transaction.
   *
   * @throws PatchwordError NOT_FOUND where nothing comes from `from`; INVALID_ARGUMENT where images come from `to` already
   */
  moveSource(move: { from: string; to: string }): Promise<void>;

  /**
   * The min(k, count) nearest, best first, ties by id.
   *
   * @throws PatchwordError MODEL_MISMATCH once the collection was reindexed with another model since it was opened
   */
  nearest(query: { target: Target; embedding: Float32Array; k: number }): Promise<Neighbor[]>;

  /** In the order of the ids; ids that are not there are left out. */
  getImages(ids: number[]): Promise<StoredImage[]>;
  getCaptions(ids: number[]): Promise<StoredCaption[]>;

  /** From the model-input cache, in the order of the ids; null where the cache does not hold one. */
  getModelInputs(imageIds: number[]): Promise<(ModelInput | null)[]>;
  putModelInputs(entries: { imageId: number; modelInput: ModelInput }[]): Promise<void>;

  /**
   * Begins to give the collection the embeddings of another model, or goes on with it. They are kept beside the present ones,
   * which serve every search until `finishReindex`; only this process can write until then, or until it closes.
   *
   * @throws PatchwordError COLLECTION_BUSY, DISK_FULL, READ_ONLY
   */
  beginReindex(model: CollectionModel): Promise<ReindexState>;

  /** The images that are not embedded yet, in order of id. Pages by `after` (an imageId). */
  pendingImages(page: { after: number; limit: number }): Promise<PendingImage[]>;

  /** Keeps the embeddings of one batch for the next model; one transaction. @throws PatchwordError as `upsert` */
  putReembeddings(batch: Reembedding[]): Promise<void>;

  /**
   * Binds the collection to the next model and puts its embeddings in the place of the present ones, in one transaction:
   * whoever has the collection open then gets MODEL_MISMATCH from `nearest` and `upsert`, and opens it again. Ids stay.
   * The images named `unreadable` stay too, and are not searchable.
   *
   * @throws PatchwordError INVALID_ARGUMENT where any other embedding is missing; nothing has changed then
   */
  finishReindex(options: { unreadable: number[] }): Promise<void>;

  /** Makes all that is derived (vector files) durable. */
  flush(): Promise<void>;
  close(): Promise<void>;
}
