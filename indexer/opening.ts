import { type Engine, type EngineOptions, locateModel, openEngine } from '../src/engine.js';
import type { Inference } from '../src/inference/inference.js';
import { openInference } from '../src/inference/local.js';
import { dataFolder } from '../src/paths.js';
import { collectionsFolder } from '../src/store/sqlite/folders.js';
import { openStore, type SqliteStore } from '../src/store/sqlite/store.js';
import type { Store } from '../src/store/store.js';
import { textNotes } from '../src/score.js';
import { resolveModel } from './models.js';
import { type GlobalOptions, type ModelOptions, sourceOptions } from './options.js';
import { printNotes } from './output.js';
import type { Reader, SourceOptions } from './readers/reader.js';

/** Opens a model for one piece of work, says what is worth knowing of it, and closes it. */
export async function withInference<R>(
  { model, device, precision }: Pick<ModelOptions, 'model' | 'device' | 'precision'>,
  work: (inference: Inference) => Promise<R>,
): Promise<R> {
  const inference = await openInference({ model: await resolveModel(model), device, precision });
  try {
    printNotes(inference.info.notes);
    return await work(inference);
  } finally {
    await inference.close();
  }
}

/** What a source is read without, should it hold it: the folder that collections live in. */
export function exceptedFolders({ data }: Pick<GlobalOptions, 'data'>): string[] {
  return [collectionsFolder(dataFolder(data))];
}

/** The source that a command was given, without `exceptedFolders`. @throws as `openSource` */
export async function openAsked(source: string, options: SourceOptions & Pick<GlobalOptions, 'data'>): Promise<Reader> {
  // Loaded here, for most that open something open no source.
  const { openSource } = await import('./readers/source.js');
  return openSource({ source, ...sourceOptions(options), except: exceptedFolders(options) });
}

/** Opens a collection with its model for one piece of work, says what both have to say, and closes them. `model` may be a hub id. */
export async function withEngine<R>(options: EngineOptions, work: (engine: Engine) => Promise<R>): Promise<R> {
  const model = options.model === undefined ? undefined : await resolveModel(options.model);
  const engine = await openEngine({ ...options, model, onNote: (line) => printNotes([line]) });
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

/** Opens a collection alone, for what needs neither its model nor its vectors at once. */
export async function withCollection<R>(
  { collection, data }: Pick<EngineOptions, 'collection' | 'data'>,
  work: (store: SqliteStore) => Promise<R>,
): Promise<R> {
  const onNote = (line: string) => printNotes([line]);
  const store = await openStore({ data: dataFolder(data), name: collection, warm: false, onNote });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Opens a collection, and a model that need not be the one it is bound to (default: that one), for one piece of work. */
export async function withStore<R>(
  { collection, data, model, device, precision }: EngineOptions,
  work: (parts: { store: Store; inference: Inference }) => Promise<R>,
): Promise<R> {
  const onNote = (line: string) => printNotes([line]);
  const store = await openStore({ data: dataFolder(data), name: collection, onNote });
  try {
    const chosen = model ?? locateModel((await store.info()).model);
    return await withInference({ model: chosen, device, precision }, (inference) => work({ store, inference }));
  } finally {
    await store.close();
  }
}

/** Opens a collection without its model, for one piece of work. */
export async function withCatalog<R>(
  { collection, data }: Pick<EngineOptions, 'collection' | 'data'>,
  work: (store: Store) => Promise<R>,
): Promise<R> {
  const onNote = (line: string) => printNotes([line]);
  const store = await openStore({ data: dataFolder(data), name: collection, onNote });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Says so where a text is longer than what the model reads of it, or has words that it does not know. */
export async function noteText(inference: Inference, text: string): Promise<void> {
  printNotes(textNotes(await inference.tokenize(text), inference.info));
}
