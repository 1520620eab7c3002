import { parentPort } from 'node:worker_threads';
import { emitEvent, serveWorker, transfer } from '../../worker.js';
import type { ModelInput } from '../../vilt/image.js';
import { checkItems, checkLimit, checkPage, checkQuarantine } from './check.js';
import { Collection, type CollectionOptions } from './collection.js';
import { explainStoreError } from './database.js';
import type { SqliteStore } from './store.js';
import type { Tables } from './tables.js';

/** What the store's thread answers: to open a collection, then all that a Store does. */
export interface StoreHandlers extends SqliteStore {
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

/** The same for what names many things. */
function counted<T>(items: Parameters<typeof checkItems>[0], run: (tables: Tables) => T): Promise<T> {
  return explained(() => (checkItems(items), run(collection.tables)));
}

/** The same for what writes to the catalog. */
function written<T>(items: Parameters<typeof checkItems>[0], run: (tables: Tables) => T): Promise<T> {
  return counted(items, (tables) => collection.write(() => run(tables)));
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
  statistics: () => explained(() => collection.statistics()),
  addSource: (source) => written([], ({ sources }) => sources.add(source)),
  sources: () => explained(() => collection.tables.sources.list()),
  moveSource: (move) => written([], ({ sources }) => sources.move(move)),
  upsert: (batch) => explained(() => collection.upsert(batch)),
  getFiles: (query) => counted(query.files, ({ files }) => files.get(query)),
  scanFiles: (page) => explained(() => (checkPage(page), collection.tables.files.scan(page))),
  scan: (page) => explained(() => collection.queries.scan(page)),
  findContents: (hashes) => counted(hashes, ({ images }) => images.findContents(hashes)),
  markMissing: (query) => written(query.files, ({ files }) => files.markMissing(query)),
  removeFiles: (query) => written(query.files, ({ removal }) => removal.removeFiles(query)),
  remove: (imageIds) => explained(() => collection.remove(imageIds)),
  restore: (hashes) => written(hashes ?? [], ({ removal }) => removal.restore(hashes)),
  nearest: (query) => explained(() => collection.queries.nearest(query)),
  captionMatches: (query) => explained(() => collection.queries.captionMatches(query)),
  count: (filter) => explained(() => collection.queries.count(filter)),
  getImages: (ids) => counted(ids, ({ images }) => images.get(ids)),
  getCaptions: (ids) => counted(ids, ({ images }) => images.getCaptions(ids)),
  nearDuplicates: (page) => explained(() => (checkLimit(page.limit), collection.tables.duplicates.page(page))),
  quarantine: (batch) => (
    checkQuarantine(batch.files),
    written(batch.files, ({ quarantine }) => quarantine.put(batch))
  ),
  getQuarantined: (query) => counted(query.files, ({ quarantine }) => quarantine.get(query)),
  scanQuarantine: (page) => explained(() => (checkLimit(page.limit), collection.tables.quarantine.scan(page))),
  clearQuarantine: (query) => written(query.files ?? [], ({ quarantine }) => quarantine.clear(query)),
  getModelInputs: (imageIds) =>
    explained(() => {
      const modelInputs = collection.getModelInputs(imageIds);
      return transfer(modelInputs, buffersOf(modelInputs));
    }),
  putModelInputs: (entries) => explained(() => collection.putModelInputs(entries)),
  beginReindex: (model) => explained(() => collection.beginReindex(model)),
  pendingImages: (page) =>
    explained(() => {
      const images = collection.pendingImages(page);
      return transfer(images, buffersOf(images.map(({ modelInput }) => modelInput)));
    }),
  putReembeddings: (batch) => explained(() => collection.putReembeddings(batch)),
  finishReindex: (options) => explained(() => collection.finishReindex(options)),
  measureRecall: () => explained(() => collection.measureRecall()),
  backup: (file) => explained(() => collection.upkeep.backup(file)),
  verify: (options) => explained(() => collection.upkeep.verify(options)),
  compact: () => explained(() => collection.upkeep.compact()),
  flush: () => explained(() => collection.flush()),
  close: () => explained(() => collection.close()),
});
