import type { Filter } from '../filter.js';
import type { ImageLocation } from '../original.js';
import type { ModelInput } from '../vilt/image.js';
import type {
  CaptionMatches,
  ImageRecord,
  NearDuplicate,
  Neighbors,
  QuarantinedFile,
  Source,
  StoredCaption,
  StoredFile,
  StoredImage,
} from './record.js';

export type * from './record.js';

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

/** The most that one call takes: `upsert` counts captions with images, and the bytes of everything but model inputs. */
export const STORE_LIMITS = { batchItems: 1000, batchBytes: 8 * 2 ** 20, k: 1000 } as const;

export interface CollectionInfo {
  name: string;
  folder: string;
  model: CollectionModel;
  images: number;
  captions: number;
}

/** Counts that take a look at the whole catalog. */
export interface CollectionStatistics {
  /** Files that sources list: an image that lies in several files is one image. */
  files: number;
  /** Files that were not there when their source was last indexed. */
  missing: number;
  quarantined: number;
  /** Contents that `remove` keeps out. */
  removed: number;
  /** Pairs of images that look nearly the same. */
  nearDuplicates: number;
  /** Bytes on disk. */
  bytes: { catalog: number; vectors: number; modelInputs: number };
}

/** An image that a reindex has not embedded yet. */
export interface PendingImage {
  imageId: number;
  file: string;
  root: string;
  location: ImageLocation;
  contentHash: string;
  captions: { captionId: number; text: string }[];
  /** An earlier run embedded it, and only captions are lacking. */
  embedded: boolean;
  /** From the cache, where it holds one of the size that the next model reads, and the image is not embedded. */
  modelInput: ModelInput | null;
}

/** What a reindex puts in the place of an image's embeddings. */
export interface Reembedding {
  imageId: number;
  /** (dimension of the next model), unit length; null where the image cannot be read or is embedded already, so that only its captions are kept. */
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
 * Ids are positive, below 2^32 and never reused. A batch is written whole or not at all. What a call has acknowledged survives
 * the death of the process and of the machine.
 */
export interface Store {
  info(): Promise<CollectionInfo>;
  statistics(): Promise<CollectionStatistics>;

  /** The source of that path, made where there is none, from now on with root, format and options as given. */
  addSource(source: { path: string; root: string; format: string; options: Record<string, unknown> }): Promise<Source>;
  /** In the order in which they were added. */
  sources(): Promise<Source[]>;
  /**
   * Says that a source is now of another path, and its files below another folder; ids and embeddings stay.
   *
   * @throws PatchwordError NOT_FOUND; INVALID_ARGUMENT where another source has that path and files
   */
  moveSource(move: { sourceId: number; path: string; root: string }): Promise<void>;

  /**
   * Adds the images of one batch to a source, or replaces those of the same file; one transaction. Returns their image ids in the
   * order given. A file whose content is in the collection becomes another file of that image; one whose content changed takes its
   * image along (the id stays) unless the image has other files, or the new content is an image already. A file is no longer
   * missing, nor in quarantine. Captions are those of all files of an image, each text once.
   *
   * @throws PatchwordError MODEL_MISMATCH once the collection was reindexed with another model since it was opened;
   * DISK_FULL, READ_ONLY, COLLECTION_BUSY; NOT_FOUND for a source that is not there; INVALID_ARGUMENT for more than
   * STORE_LIMITS, an embedding of the wrong length, with a value that is not finite or not of unit length, or null for a content
   * that is not there, a content that `remove` keeps out, a model input that is not (3, height, width), attributes that are not
   * scalars
   */
  upsert(batch: { sourceId: number; images: ImageRecord[] }): Promise<number[]>;

  /** What the collection has of these files of a source, in the order given; null where it has none. */
  getFiles(query: { sourceId: number; files: string[] }): Promise<(StoredFile | null)[]>;
  /** The files of a source in the order of their ids. Pages by `after` (a fileId). */
  scanFiles(page: { sourceId: number; after: number; limit: number }): Promise<StoredFile[]>;
  /** Images in the order of their ids. Pages by `after` (an imageId). */
  scan(page: { after: number; limit: number; filter?: Filter }): Promise<StoredImage[]>;

  /** What the collection knows of contents: the id of the image, 'removed' where `remove` keeps it out, or null; in the order given. */
  findContents(contentHashes: string[]): Promise<(number | 'removed' | null)[]>;

  /** Marks files as missing; their images stay. */
  markMissing(query: { sourceId: number; files: string[] }): Promise<void>;
  /** Forgets files; an image none of whose files is left goes, and captions with it. Idempotent. Returns how many images went. */
  removeFiles(query: { sourceId: number; files: string[] }): Promise<number>;
  /**
   * Removes images and keeps their content out (`findContents` says so) until `restore`. Idempotent; invisible at once.
   * Returns how many went.
   */
  remove(imageIds: number[]): Promise<number>;
  /** Lets removed contents be indexed again; all, or those named. Returns how many. */
  restore(contentHashes?: string[]): Promise<number>;

  /**
   * The min(k, matches) nearest, best first, ties by id; or fewer, where `complete` is false.
   *
   * @throws PatchwordError INVALID_ARGUMENT for k > STORE_LIMITS.k or a filter that is not one; MODEL_MISMATCH once the
   * collection was reindexed with another model since it was opened
   */
  nearest(query: { target: Target; embedding: Float32Array; k: number; filter?: Filter }): Promise<Neighbors>;
  /** Images by the words of their captions (BM25). `embedding` is the text's, for the similarities. */
  captionMatches(query: { text: string; embedding: Float32Array; k: number; filter?: Filter }): Promise<CaptionMatches>;
  /** How many images match. */
  count(filter?: Filter): Promise<number>;

  /** In the order of the ids; ids that are not there are left out. */
  getImages(ids: number[]): Promise<StoredImage[]>;
  getCaptions(ids: number[]): Promise<StoredCaption[]>;
  /** From the model-input cache, in the order of the ids; null where the cache does not hold one. */
  getModelInputs(imageIds: number[]): Promise<(ModelInput | null)[]>;
  /** Keeps those whose image still has the content that they were made of. */
  putModelInputs(entries: { imageId: number; contentHash: string; modelInput: ModelInput }[]): Promise<void>;

  /** Pairs in the order of (imageId, otherId), imageId < otherId. Pages by `after`. */
  nearDuplicates(page: { after: { imageId: number; otherId: number } | null; limit: number }): Promise<NearDuplicate[]>;

  /** Puts entries of a source in quarantine, or says anew why they are there. One transaction. */
  quarantine(batch: { sourceId: number; files: Omit<QuarantinedFile, 'sourceId' | 'tried'>[] }): Promise<void>;
  getQuarantined(query: { sourceId: number; files: string[] }): Promise<(QuarantinedFile | null)[]>;
  /** In the order of (sourceId, file). Pages by `after`. */
  scanQuarantine(page: { after: { sourceId: number; file: string } | null; limit: number }): Promise<QuarantinedFile[]>;
  /** Forgets entries, so that they are tried again; all, or those of one source, or those named. Returns how many. */
  clearQuarantine(query: { sourceId?: number; files?: string[] }): Promise<number>;

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

  /**
   * Makes all that is derived (vector files) durable, and lets other processes write, which from the first call that writes
   * none may.
   */
  flush(): Promise<void>;
  close(): Promise<void>;
}
