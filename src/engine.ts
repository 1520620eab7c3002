import { PatchwordError } from './errors.js';
import type { Device, Inference, ModelInfo, Precision } from './inference/inference.js';
import { openInference } from './inference/local.js';
import { BUNDLED_MODEL, dataFolder } from './paths.js';
import { search, type Search, type SearchQuery } from './search.js';
import { openStore } from './store/sqlite/store.js';
import { prefilterMissing } from './vilt/prefilter.js';
import type { CollectionInfo, CollectionModel, Store } from './store/store.js';

export interface EngineOptions {
  collection: string;
  /** Folder that holds the collections. Default: PATCHWORD_DATA, else .patchword */
  data?: string;
  /** A model folder or weight file. Default: the one the collection was built with; the bundled one for a new collection. */
  model?: string;
  /** Makes the collection where there is none. */
  create?: boolean;
  device?: Device;
  precision?: Precision;
  /** Threads that one pass of the model uses. Default: one a core. */
  threads?: number;
  /** Receives lines worth telling the user: a device that is not there, a file of vectors that is rebuilt. */
  onNote?: (line: string) => void;
}

/** A collection and its model, open. */
export interface Engine {
  readonly store: Store;
  readonly inference: Inference;
  info(): Promise<CollectionInfo>;
  /** Candidates at once, then their reranked order, wave by wave. Nothing runs until the search is iterated or awaited. */
  search(query: SearchQuery): Search;
  close(): Promise<void>;
}

/** How a collection remembers the model that ships with Patchword, wherever that is installed. */
const BUNDLED = 'bundled';

/**
 * Opens a collection with the model that it is bound to.
 *
 * @throws PatchwordError COLLECTION_NOT_FOUND, COLLECTION_DAMAGED, MODEL_MISMATCH, MODEL_NOT_FOUND, MODEL_INCOMPLETE,
 * MODEL_UNSUPPORTED; PREFILTER_MISSING for a new collection of a model without embeddings
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { device, precision, threads } = options;
  const where = { data: dataFolder(options.data), name: options.collection, onNote: options.onNote };
  const existing = await openStore(where).catch((error: unknown) => {
    const absent = error instanceof PatchwordError && error.code === 'COLLECTION_NOT_FOUND';
    if (absent && options.create) return null;
    throw error;
  });
  const opened: { close(): Promise<void> }[] = existing ? [existing] : [];
  const close = async () => void (await Promise.all(opened.map((part) => part.close())));
  try {
    const bound = existing ? (await existing.info()).model : null;
    const model = options.model ?? (bound ? locate(bound) : BUNDLED_MODEL);
    const inference = await openInference({ model, device, precision, threads });
    opened.push(inference);
    inference.info.notes.forEach((note) => options.onNote?.(note));
    if (bound) requireSameModel(options.collection, bound, inference.info);
    const store = existing ?? (await openStore({ ...where, create: bindingOf(inference.info) }));
    if (!existing) opened.push(store);
    return {
      store,
      inference,
      info: () => store.info(),
      search: (query) => search({ store, inference }, query),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function locate(model: CollectionModel): string {
  return model.path === BUNDLED ? BUNDLED_MODEL : model.path;
}

/** @throws PatchwordError PREFILTER_MISSING */
function bindingOf({ folder, weights, hash, prefilter }: ModelInfo): CollectionModel {
  if (!prefilter) {
    throw prefilterMissing(folder);
  }
  const path = folder === BUNDLED_MODEL ? BUNDLED : weights.length === 1 ? weights[0] : folder;
  return { path, hash, prefilterHash: prefilter.hash, dimension: prefilter.dimension };
}

function requireSameModel(collection: string, bound: CollectionModel, info: ModelInfo): void {
  if (bound.hash === info.hash && bound.prefilterHash === info.prefilter?.hash) return;
  if (bound.hash === info.hash) {
    throw new PatchwordError(
      'MODEL_MISMATCH',
      `Collection "${collection}" was built with another fit of ${info.folder} (${bound.prefilterHash.slice(0, 12)}) than ` +
        `${info.prefilter ? `the one there now (${info.prefilter.hash.slice(0, 12)})` : 'is there now: none'}; ` +
        'embeddings of two fits cannot be compared.',
      { hint: 'Put back prefilter.safetensors and prefilter.json, or index into a collection of another name.' },
    );
  }
  throw new PatchwordError(
    'MODEL_MISMATCH',
    `Collection "${collection}" was built with the model ${locate(bound)} (weights ${bound.hash.slice(0, 12)}), ` +
      `not with ${info.folder} (weights ${info.hash.slice(0, 12)}); embeddings of two models cannot be compared.`,
    { hint: 'Leave out --model to use its own, or index into a collection of another name.' },
  );
}
