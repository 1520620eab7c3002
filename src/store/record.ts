import type { Attributes } from '../filter.js';
import type { ImageLocation } from '../original.js';
import type { ModelInput } from '../vilt/image.js';

/** Where images come from: a folder, or a file that lists them. */
export interface Source {
  sourceId: number;
  /** Absolute path of what was indexed. Tells one source from another. */
  path: string;
  /** Absolute folder that every file of the source is below. */
  root: string;
  /** Name of its format; '' in a collection made before it was kept. */
  format: string;
  /** What the user said of it, to open it again: JSON. */
  options: Record<string, unknown>;
  /** How many files are from there. */
  files: number;
}

/** One captioned image of a source, embedded and ready to be stored. */
export interface ImageRecord {
  /** What the source calls it, unlike any other of the source. */
  file: string;
  location: ImageLocation;
  /** SHA-256 of the image's bytes, hex. Images of the same content are one image, whatever sources and files they come from. */
  contentHash: string;
  bytes: number;
  /** Modification time of the file that holds it, in milliseconds since the epoch. */
  modified: number;
  /** Size of the upright original, in pixels. */
  width: number;
  height: number;
  /** 64 bits, as four 16-bit words, that are nearly the same for images that look nearly the same; null where there is none. */
  perceptualHash: Uint16Array | null;
  /** Which part of a benchmark it belongs to ("train", "test", …), where the source says. */
  split: string | null;
  attributes: Attributes;
  /** (dimension), unit length; null where the collection has an image of this content already. */
  embedding: Float32Array | null;
  captions: CaptionRecord[];
  /** For the cache; null where it is there. */
  modelInput: ModelInput | null;
}

export interface CaptionRecord {
  text: string;
  /** (dimension), unit length */
  embedding: Float32Array;
}

/** One file that a source lists, as it was when it was indexed. */
export interface StoredFile {
  fileId: number;
  imageId: number;
  sourceId: number;
  file: string;
  location: ImageLocation;
  contentHash: string;
  bytes: number;
  modified: number;
  split: string | null;
  attributes: Attributes;
  /** Its own, in its order; an image that lies in several files has the captions of all. */
  captions: string[];
  /** It was not there when its source was last indexed. */
  missing: boolean;
  /** Whether `nearest` can find the image. */
  searchable: boolean;
}

/** An image as its first file says that is not missing (or else its first): file, root, location, split, attributes. */
export interface StoredImage {
  imageId: number;
  file: string;
  /** Absolute folder of the source. */
  root: string;
  location: ImageLocation;
  contentHash: string;
  bytes: number;
  modified: number;
  width: number;
  height: number;
  split: string | null;
  attributes: Attributes;
  /** Of all its files, each text once. */
  captions: string[];
  /** None of its files was there when its source was last indexed. */
  missing: boolean;
  /**
   * Whether `nearest` can find the image. Not where its file could not be read when the collection was reindexed;
   * an upsert of it, also an unchanged one, mends that.
   */
  searchable: boolean;
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

/** What stage one finds. `complete` is false where a filter matches images that were not looked at. */
export interface Neighbors {
  neighbors: Neighbor[];
  complete: boolean;
}

/** Images whose captions hold words of a text, best first. */
export interface CaptionMatches {
  /** In the order of BM25 (the best caption of each image); similarity is the cosine of image and query. */
  neighbors: Neighbor[];
  /** Words of the text left out because more than a tenth of the captions hold them, or too many to be looked up in time. */
  commonWords: string[];
  /** Why captions were not searched, where they were not. */
  skipped: string | null;
}

/** Two images that look nearly the same. */
export interface NearDuplicate {
  imageId: number;
  otherId: number;
  /** Bits in which their perceptual hashes differ. */
  distance: number;
}

/** An entry of a source that could not be indexed. */
export interface QuarantinedFile {
  sourceId: number;
  file: string;
  reason: string;
  /** Of the file when it was tried; null where it could not be looked at. What is unchanged is not tried again. */
  bytes: number | null;
  modified: number | null;
  /** When it was tried last, in milliseconds since the epoch. */
  tried: number;
}
