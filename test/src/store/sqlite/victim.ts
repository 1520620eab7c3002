import { deleteCollection, renameCollection } from '../../../../src/store/sqlite/collections.js';
import { openStore, type SqliteStore } from '../../../../src/store/sqlite/store.js';
import type { CollectionModel } from '../../../../src/store/store.js';
import { imageRecord, modelOf, upsertTo } from '../records.js';

/** What happens to a collection in a process that is killed on the way: `victim.js TASK DATA`. It says when it begins. */
export const DIMENSION = 16;
export const MODEL = modelOf(DIMENSION);
export const NEXT_MODEL: CollectionModel = { ...MODEL, hash: 'd'.repeat(64), inputSize: '8/2' };
export const GIVEN_UP_MODEL: CollectionModel = { ...MODEL, hash: 'e'.repeat(64) };
export const NAME = 'pictures';

export const records = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => imageRecord(from + i, DIMENSION));

export async function withStore<T>(data: string, work: (store: SqliteStore) => Promise<T>): Promise<T> {
  const store = await openStore({ data, name: NAME, create: MODEL, exactBelow: 0 });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

export async function write(store: SqliteStore, from: number, to: number): Promise<void> {
  await upsertTo(store, { path: '/pictures', images: records(from, to) });
  await store.flush();
}

/** Gives each image and caption the embedding that it has, in reverse: another one, and as far from others as before. */
export async function reembed(store: SqliteStore, model: CollectionModel): Promise<void> {
  await store.beginReindex(model);
  const pending = await store.pendingImages({ after: 0, limit: 1000 });
  const batch = pending.map(({ imageId, contentHash, captions }) => {
    const record = imageRecord(parseInt(contentHash, 16), DIMENSION);
    const reversed = (embedding: Float32Array) => embedding.slice().reverse();
    const find = (text: string) => record.captions.find((caption) => caption.text === text)!.embedding;
    return {
      imageId,
      embedding: reversed(record.embedding),
      captions: captions.map(({ captionId, text }) => ({ captionId, embedding: reversed(find(text)) })),
      modelInput: record.modelInput,
    };
  });
  await store.putReembeddings(batch);
}

export const TASKS: Record<string, (data: string) => Promise<unknown>> = {
  /** Also brings one of an earlier version up to date. */
  open: (data) => withStore(data, () => Promise.resolve()),
  write: (data) => withStore(data, (store) => write(store, 40, 70)),
  reindex: (data) =>
    withStore(data, async (store) => {
      await reembed(store, NEXT_MODEL);
      await store.finishReindex({ unreadable: [] });
      await store.flush();
    }),
  compact: (data) => withStore(data, (store) => store.compact()),
  repair: (data) => withStore(data, (store) => store.verify({ repair: true })),
  rename: (data) => renameCollection({ data, name: NAME, to: 'renamed' }),
  delete: (data) => deleteCollection({ data, name: NAME }),
};

if (process.argv[1]?.endsWith('victim.js')) {
  process.stdout.write('begun\n');
  await TASKS[process.argv[2]](process.argv[3]);
}
