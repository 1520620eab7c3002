import { existsSync } from 'node:fs';
import path from 'node:path';
import { bindingOf, isBundled, openEngine } from '../src/engine.js';
import { PatchwordError } from '../src/errors.js';
import type { Device, Precision } from '../src/inference/inference.js';
import { openInference } from '../src/inference/local.js';
import { BUNDLED_MODEL, BUNDLED_SAMPLE, dataFolder } from '../src/paths.js';
import { statOriginal } from '../src/original.js';
import { openStore } from '../src/store/sqlite/store.js';
import { isSameModel, type Source, type Store } from '../src/store/store.js';
import { inspectModel } from '../src/vilt/inspection.js';
import { ingest } from './ingestion.js';
import { lookUp } from './lookup.js';
import { hasSameLabels, looksUnchanged, sizeOf } from './preparation.js';
import type { Progress } from './progress.js';
import { isSkipped, type Reader } from './readers/reader.js';
import { openSource } from './readers/source.js';
import { findSource } from './registration.js';
import { reindex } from './reindexing.js';

export const SAMPLE_COLLECTION = 'sample';

export interface SampleOptions {
  /** Folder that holds the collections. Default: PATCHWORD_DATA, else .patchword */
  data?: string;
  /** Karpathy's JSON of the pictures. Default: that of the bundled ones */
  source?: string;
  device?: Device;
  precision?: Precision;
  /** Not called where there is nothing to do. */
  onProgress?: (progress: Progress) => void;
  onNote?: (line: string) => void;
}

/**
 * Makes the sample collection, with the bundled model, where it is not there; completes it where an earlier start was stopped;
 * embeds it anew where it was made with the model of another version. A look at the catalog where it is whole, also after
 * Patchword was moved to another folder. A collection of that name that was made with a model of its own is somebody's, and is
 * left as it is.
 */
export async function ensureSample(options: SampleOptions): Promise<void> {
  const { data, source = BUNDLED_SAMPLE, device, precision, onProgress, onNote } = options;
  const collection = SAMPLE_COLLECTION;
  if (await isThere({ ...options, source })) return;
  try {
    const engine = await openEngine({
      collection,
      data,
      device,
      precision,
      onNote,
      model: BUNDLED_MODEL,
      create: true,
    });
    try {
      await ingest({ engine, source, onProgress });
    } finally {
      await engine.close();
    }
  } catch (error) {
    if (!(error instanceof PatchwordError && error.code === 'MODEL_MISMATCH')) throw error;
  }
}

/** Whether the collection exists and is whole, of the bundled model's embeddings. */
async function isThere(options: SampleOptions & { source: string }): Promise<boolean> {
  const { data, source, onNote } = options;
  let store: Store;
  try {
    store = await openStore({ data: dataFolder(data), name: SAMPLE_COLLECTION, onNote });
  } catch (error) {
    if (error instanceof PatchwordError && error.code === 'COLLECTION_NOT_FOUND') return false;
    throw error;
  }
  try {
    const reader = await openSource({ source });
    await followMove(store, reader);
    await followModel(store, reader, options);
    return await isWhole(store, reader);
  } finally {
    await store.close();
  }
}

/** Where another version of Patchword made the collection, with its own bundled model, gives it the embeddings of this one's. */
async function followModel(
  store: Store,
  reader: Reader,
  { device, precision, onProgress, onNote }: SampleOptions,
): Promise<void> {
  const { model } = await store.info();
  if (!isBundled(model) || isSameModel(model, bindingOf(await inspectModel(BUNDLED_MODEL)))) return;
  onNote?.('The bundled model is another than the one that the sample was indexed with: embedding it anew.');
  const inference = await openInference({ model: BUNDLED_MODEL, device, precision });
  try {
    // Pictures of the sample are indexed again afterwards, from where they are now; somebody's own might not be.
    const allowMissing = (await store.sources()).every(({ root }) => nameOfFolder(root) === nameOfFolder(reader.root));
    await reindex({ store, inference, allowMissing, onProgress, onNote });
  } finally {
    await inference.close();
  }
}

/** "data/sample", wherever Patchword was installed. */
function nameOfFolder(root: string): string {
  return path.join(path.basename(path.dirname(root)), path.basename(root));
}

/**
 * Where the sample was indexed from a folder that is no longer there, and all that came from it is in this one, Patchword
 * itself was moved: the pictures are the same.
 */
async function followMove(store: Store, reader: Reader): Promise<void> {
  const sources = await store.sources();
  if (sources.some(({ root, files }) => root === reader.root && files > 0)) return;
  for (const source of sources) {
    const { sourceId, root, files } = source;
    if (files === 0 || existsSync(root) || !(await holdsAll(store, { reader, source }))) continue;
    return store.moveSource({ sourceId, path: reader.path, root: reader.root });
  }
}

/** Whether a reader finds every picture of a source, of the same size and with the same captions. */
async function holdsAll(store: Store, { reader, source }: { reader: Reader; source: Source }): Promise<boolean> {
  let found = 0;
  for await (const { entry, known } of lookUp(reader.entries(), { store, sourceId: source.sourceId })) {
    if (isSkipped(entry) || !known || !hasSameLabels(entry, known)) continue;
    const status = await statOriginal({ root: reader.root, location: entry.location });
    if (known.bytes === sizeOf(entry, status)) found += 1;
  }
  return found === source.files;
}

async function isWhole(store: Store, reader: Reader): Promise<boolean> {
  const source = findSource(await store.sources(), reader);
  if (!source) return false;
  for await (const { entry, known } of lookUp(reader.entries(), { store, sourceId: source.sourceId })) {
    if (isSkipped(entry) || !known || known.missing || !hasSameLabels(entry, known)) return false;
    const status = await statOriginal({ root: reader.root, location: entry.location });
    if (!looksUnchanged(entry, status, known)) return false;
  }
  return true;
}
