import { parentPort } from 'node:worker_threads';
import { emitEvent, serveWorker, transfer } from '../../worker.js';
import type { ModelInput } from '../../vilt/image.js';
import type { Store } from '../store.js';
import { Collection, type CollectionOptions } from './collection.js';
import { explainStoreError } from './database.js';

/** What the store's thread answers: to open a collection, then all that a Store does. */
export interface StoreHandlers extends Store {
  open(options: Omit<CollectionOptions, 'onNote'>): Promise<void>;
}

const port = parentPort!;
let collection: Collection;
let folder = '';

/** Errors of SQLite and of the file system become ones that a user can act on. */
async function explained<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw explainStoreError(error, folder);
  }
}

function buffersOf(modelInputs: (ModelInput | null)[]): ArrayBuffer[] {
  return modelInputs.flatMap((input) => input?.pixels.buffer ?? []) as ArrayBuffer[];
}

serveWorker<StoreHandlers>(port, {
  open: (options) =>
    explained(() => {
      folder = options.folder;
      collection = Collection.open({ ...options, onNote: (line) => emitEvent(port, line) });
    }),
  info: () => explained(() => collection.info()),
  upsert: (batch) => explained(() => collection.upsert(batch)),
  scan: (page) => explained(() => collection.scan(page)),
  nearest: (query) => explained(() => collection.nearest(query)),
  getImages: (ids) => explained(() => collection.getImages(ids)),
  getCaptions: (ids) => explained(() => collection.getCaptions(ids)),
  getModelInputs: (imageIds) =>
    explained(() => {
      const modelInputs = collection.getModelInputs(imageIds);
      return transfer(modelInputs, buffersOf(modelInputs));
    }),
  putModelInputs: (entries) => explained(() => collection.putModelInputs(entries)),
  sources: () => explained(() => collection.sources()),
  moveSource: (move) => explained(() => collection.moveSource(move)),
  beginReindex: (model) => explained(() => collection.beginReindex(model)),
  pendingImages: (page) =>
    explained(() => {
      const images = collection.pendingImages(page);
      return transfer(images, buffersOf(images.map(({ modelInput }) => modelInput)));
    }),
  putReembeddings: (batch) => explained(() => collection.putReembeddings(batch)),
  finishReindex: (options) => explained(() => collection.finishReindex(options)),
  flush: () => explained(() => collection.flush()),
  close: () => explained(() => collection.close()),
});
