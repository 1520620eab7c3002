import type { ImageRecord, Store, StoredImage } from '../../../../src/store/store.js';
import { imageRecord, modelOf, type WholeRecord } from '../records.js';

export const DIMENSION = 16;
export const MODEL = modelOf(DIMENSION);
export const ROOT = '/datasets/pictures';
export const UNKNOWN = 4_000_000_000;

/** How the parts of the contract's tests get the stores that they test; all are closed after each test. */
export interface Context {
  /** Opens the store of a name, made where there is none. */
  open: (name: string) => Promise<Store>;
  openNew: () => Promise<Store>;
  /** A name that no store has. */
  newName: () => string;
}

/** The source of a path, made where there is none; everything is below that path. */
export async function sourceOf(store: Store, path = ROOT): Promise<number> {
  return (await store.addSource({ path, root: path, format: 'folder', options: {} })).sourceId;
}

export const record = (seed: number, changes: Partial<WholeRecord> = {}) => imageRecord(seed, DIMENSION, changes);
export const records = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => record(from + i));

export function storedAs(imageId: number, image: ImageRecord, root = ROOT): StoredImage {
  const { file, location, contentHash, bytes, modified, width, height, split, attributes, captions } = image;
  return {
    imageId,
    root,
    file,
    location,
    contentHash,
    bytes,
    modified,
    width,
    height,
    split,
    attributes,
    captions: captions.map(({ text }) => text),
    missing: false,
    searchable: true,
  };
}
