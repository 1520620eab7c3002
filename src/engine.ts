import { PatchwordError } from './errors.js';
import type { Device, Inference, ModelInfo, Precision } from './inference/inference.js';
import { openInference } from './inference/local.js';
import { BUNDLED_MODEL, BUNDLED_SAMPLE, dataFolder } from './paths.js';
import { search, type Search, type SearchQuery } from './search.js';
import { openStore } from './store/sqlite/store.js';
import { isSameModel, type CollectionInfo, type CollectionModel, type Store } from './store/store.js';
import { prefilterMissing } from './vilt/checkpoint/schema.js';

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
    if (absent && options.collection === 'sample') {
      const hint = `It comes with Patchword: patchword index ${BUNDLED_SAMPLE} --collection sample (patchword serve does so by itself).`;
      throw new PatchwordError(error.code, error.message, { hint });
    }
    throw error;
  });
  const opened: { close(): Promise<void> }[] = existing ? [existing] : [];
  const close = async () => void (await Promise.all(opened.map((part) => part.close())));
  try {
    const bound = existing ? (await existing.info()).model : null;
    const model = options.model ?? (bound ? locateModel(bound) : BUNDLED_MODEL);
    const inference = await openInference({ model, device, precision, threads }).catch((error: unknown) => {
      const moved = error instanceof PatchwordError && error.code === 'MODEL_NOT_FOUND' && options.model === undefined;
      if (!moved) throw error;
      const hint =
        'The collection was built with it. If it was moved, put it back, or say where it is now with --model.';
      throw new PatchwordError('MODEL_NOT_FOUND', error.message, { hint });
    });
    opened.push(inference);
    inference.info.notes.forEach((note) => options.onNote?.(note));
    if (bound) requireSameModel(options, bound, inference.info);
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

/** Where the model of a collection is on this machine. */
export function locateModel(model: CollectionModel): string {
  return model.path === BUNDLED ? BUNDLED_MODEL : model.path;
}

/** Whether a collection is bound to the model that ships with Patchword, of this version or another. */
export function isBundled(model: CollectionModel): boolean {
  return model.path === BUNDLED;
}

/**
 * What a collection of a model's embeddings is bound to.
 *
 * @throws PatchwordError PREFILTER_MISSING
 */
export function bindingOf({ folder, weights, hash, prefilter, config }: ModelInfo): CollectionModel {
  if (!prefilter) {
    throw prefilterMissing(folder);
  }
  const path = folder === BUNDLED_MODEL ? BUNDLED : weights.length === 1 ? weights[0] : folder;
  const inputSize = `${config.shortestEdge}/${config.sizeDivisor}`;
  return { path, hash, prefilterHash: prefilter.hash, dimension: prefilter.dimension, inputSize };
}

/** What makes a collection one of the fit that is there now. */
function another(
  { folder, prefilter }: ModelInfo,
  { collection, model }: Pick<EngineOptions, 'collection' | 'model'>,
): string {
  const chosen = model === undefined ? '' : ` --model ${folder}`;
  const reindex = `patchword reindex ${collection}${chosen}`;
  return prefilter ? `run: ${reindex}` : `fit another (patchword fit) and then run: ${reindex}`;
}

function requireSameModel(
  { collection, model }: Pick<EngineOptions, 'collection' | 'model'>,
  bound: CollectionModel,
  info: ModelInfo,
): void {
  if (info.prefilter && isSameModel(bound, bindingOf(info))) return;
  if (bound.hash === info.hash && bound.prefilterHash !== info.prefilter?.hash) {
    throw new PatchwordError(
      'MODEL_MISMATCH',
      `Collection "${collection}" was built with another fit of ${info.folder} (${bound.prefilterHash.slice(0, 12)}) than ` +
        `${info.prefilter ? `the one there now (${info.prefilter.hash.slice(0, 12)})` : 'is there now: none'}; ` +
        'embeddings of two fits cannot be compared.',
      { hint: `Put back prefilter.safetensors and prefilter.json, or ${another(info, { collection, model })}` },
    );
  }
  const weights = (hash: string) => `weights ${hash.slice(0, 12)}`;
  const other = bound.hash === info.hash ? 'the same weights, another image size' : weights(info.hash);
  if (model === undefined) {
    const [was, is] =
      bound.path === BUNDLED
        ? ['the model that came with another version of Patchword', 'the one that comes with this']
        : [`the model ${bound.path} as it was`, 'what it is now'];
    throw new PatchwordError(
      'MODEL_MISMATCH',
      `Collection "${collection}" was built with ${was} (${weights(bound.hash)}), not with ${is} (${other}); ` +
        'embeddings of two models cannot be compared.',
      { hint: `Embed it anew: patchword reindex ${collection}` },
    );
  }
  throw new PatchwordError(
    'MODEL_MISMATCH',
    `Collection "${collection}" was built with the model ${locateModel(bound)} (${weights(bound.hash)}), ` +
      `not with ${info.folder} (${other}); embeddings of two models cannot be compared.`,
    {
      hint:
        'Leave out --model to use its own, index into a collection of another name, or change its model: ' +
        `patchword reindex ${collection} --model ${info.folder}`,
    },
  );
}
