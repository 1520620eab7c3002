import { stat } from 'node:fs/promises';
import { openEngine } from '../src/engine.js';
import { PatchwordError } from '../src/errors.js';
import type { Device, Precision } from '../src/inference/inference.js';
import { BUNDLED_MODEL, BUNDLED_SAMPLE, dataFolder } from '../src/paths.js';
import { openStore } from '../src/store/sqlite/store.js';
import type { Store } from '../src/store/store.js';
import { ingest } from './ingestion.js';
import { looksUnchanged, scanKnown } from './preparation.js';
import type { Progress } from './progress.js';
import { isSkipped } from './readers/reader.js';
import { openSource } from './readers/source.js';

export const SAMPLE_COLLECTION = 'sample';

export interface SampleOptions {
  /** Folder that holds the collections. Default: PATCHWORD_DATA, else .patchword */
  data?: string;
  device?: Device;
  precision?: Precision;
  /** Not called where there is nothing to do. */
  onProgress?: (progress: Progress) => void;
}

/**
 * Makes the sample collection, with the bundled model, where it is not there, and completes it where an earlier start was
 * stopped; a look at the catalog where it is whole. A collection of that name that was made with another model is
 * somebody's own, and is left as it is.
 */
export async function ensureSample({ data, device, precision, onProgress }: SampleOptions): Promise<void> {
  const collection = SAMPLE_COLLECTION;
  if (await isThere({ data: dataFolder(data), name: collection })) return;
  try {
    const engine = await openEngine({ collection, data, device, precision, model: BUNDLED_MODEL, create: true });
    try {
      await ingest({ engine, source: BUNDLED_SAMPLE, onProgress });
    } finally {
      await engine.close();
    }
  } catch (error) {
    if (!(error instanceof PatchwordError && error.code === 'MODEL_MISMATCH')) throw error;
  }
}

/** Whether the collection exists and is whole. The model is not needed to tell. */
async function isThere(where: { data: string; name: string }): Promise<boolean> {
  let store: Store;
  try {
    store = await openStore(where);
  } catch (error) {
    if (error instanceof PatchwordError && error.code === 'COLLECTION_NOT_FOUND') return false;
    throw error;
  }
  try {
    return await isWhole(store);
  } finally {
    await store.close();
  }
}

async function isWhole(store: Store): Promise<boolean> {
  const reader = await openSource({ source: BUNDLED_SAMPLE });
  const known = await scanKnown(store, reader.root);
  for await (const entry of reader.entries()) {
    if (isSkipped(entry)) return false;
    if (!looksUnchanged(entry, await stat(entry.file), known.get(entry.name))) return false;
  }
  return true;
}
