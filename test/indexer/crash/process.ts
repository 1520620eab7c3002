import { removeImages, restoreContents } from '../../../indexer/removal.js';
import type { Engine } from '../../../src/engine.js';
import type { Inference } from '../../../src/inference/inference.js';
import { openStore } from '../../../src/store/sqlite/store.js';
import type { CollectionModel } from '../../../src/store/store.js';
import { random } from '../../src/vilt/variant.js';
import { encodeLine, tellCalls, type Line, type TaskName } from './journal.js';
import type { ModelName, Models } from './models.js';

/** What a process is to do, as JSON in its one argument. It writes a Line at a time to stdout. */
export interface Work {
  data: string;
  name: string;
  models: Models;
  /** What a collection of each model is bound to. */
  bindings: Record<ModelName, CollectionModel>;
  /** Paths of the sources. */
  sources: string[];
  /** In this order; over and over again, unless `once`. */
  tasks: TaskName[];
  once: boolean;
  /** Contents that may be restored. */
  removed: string[];
  exactBelow: number;
  seed: number;
}

const work = JSON.parse(process.argv[2]) as Work;
const { data, name, models, bindings, sources, removed, exactBelow } = work;
const next = random(work.seed);
const say = (line: Line) => void process.stdout.write(encodeLine(line));
const below = (count: number) => Math.floor(count * next());

const opened = await openStore({
  ...{ data, name, exactBelow, create: bindings.one },
  onNote: (note) => say({ note }),
});
const store = tellCalls(opened, say);
const inferences: Partial<Record<ModelName, Promise<Inference>>> = {};
say({ open: true });

/** Opened when first needed, as all modules below are loaded: what removes and compacts needs none of it. */
function inferenceOf(model: ModelName): Promise<Inference> {
  return (inferences[model] ??= open(model));
}

async function open(model: ModelName): Promise<Inference> {
  const { openInference } = await import('../../../src/inference/local.js');
  const inference = await openInference({ model: models[model], threads: 1 });
  return {
    ...inference,
    embedImages(images, job) {
      say({ embedded: images.length });
      return inference.embedImages(images, job);
    },
  };
}

async function boundModel(): Promise<ModelName> {
  const { hash } = (await store.info()).model;
  return hash === bindings.one.hash ? 'one' : 'other';
}

function otherThan(model: ModelName): ModelName {
  return model === 'one' ? 'other' : 'one';
}

const tasks: Record<TaskName, () => Promise<unknown>> = {
  async ingest() {
    const inference = await inferenceOf(await boundModel());
    const { ingest } = await import('../../../indexer/ingestion.js');
    const { search } = await import('../../../src/search.js');
    const engine: Engine = {
      ...{ store, inference, info: () => store.info(), close: () => store.close() },
      search: (query) => search({ store, inference }, query),
    };
    const results = [];
    const first = below(sources.length);
    for (const source of [...sources.slice(first), ...sources.slice(0, first)]) {
      const prune = work.once || next() < 0.5;
      results.push(await ingest({ engine, source, prune, force: prune }));
    }
    return results;
  },

  async remove() {
    for (let i = 0; i < 3; i++) {
      const images = await store.scan({ after: 0, limit: 1000 });
      const ids = images.filter(() => next() < 0.03).map(({ imageId }) => imageId);
      const hashes = images.filter(({ imageId }) => ids.includes(imageId)).map(({ contentHash }) => contentHash);
      await removeImages(store, { ids });
      removed.push(...hashes);
    }
  },

  restore: () => restoreContents(store, removed.splice(0, 1 + below(removed.length))),

  async retry() {
    await store.clearQuarantine({});
    await store.flush();
  },

  compact: () => store.compact(),

  async reindex() {
    const inference = await inferenceOf(otherThan(await boundModel()));
    const { reindex } = await import('../../../indexer/reindexing.js');
    return reindex({ store, inference, allowMissing: true });
  },
};

/** Before a task begins, so that a kill does not fall into what takes long and writes nothing. */
async function prepare(task: TaskName): Promise<void> {
  const bound = await boundModel();
  if (task === 'ingest') await Promise.all([inferenceOf(bound), import('../../../indexer/ingestion.js')]);
  if (task === 'reindex') {
    await Promise.all([inferenceOf(otherThan(bound)), import('../../../indexer/reindexing.js')]);
  }
}

do {
  for (const task of work.tasks) {
    await prepare(task);
    say({ begun: task });
    say({ done: task, result: (await tasks[task]()) ?? null });
  }
} while (!work.once);
for (const inference of Object.values(inferences)) await (await inference).close();
await store.close();
