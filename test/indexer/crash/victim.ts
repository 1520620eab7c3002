import path from 'node:path';
import { deleteCollection, renameCollection } from '../../../src/store/sqlite/collections.js';
import { openStore, type SqliteStore } from '../../../src/store/sqlite/store.js';
import type { CollectionModel } from '../../../src/store/store.js';
import { imageRecord, modelOf, upsertTo } from '../../src/store/records.js';

export const DIMENSION = 16;
export const MODEL = modelOf(DIMENSION);
export const NEXT_MODEL: CollectionModel = { ...MODEL, hash: 'd'.repeat(64), inputSize: '8/2' };
export const GIVEN_UP_MODEL: CollectionModel = { ...MODEL, hash: 'e'.repeat(64) };
export const NAME = 'pictures';

export const records = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => imageRecord(from + i, DIMENSION));

export const backupFile = (data: string) => path.join(data, 'backup.tar');

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

/** What may happen to a collection. */
export const TASKS = {
  /** Also makes one, and brings one of an earlier version up to date. */
  open: (data: string) => withStore(data, () => Promise.resolve()),
  write: (data: string) => withStore(data, (store) => write(store, 40, 70)),
  reindex: (data: string) =>
    withStore(data, async (store) => {
      await reembed(store, NEXT_MODEL);
      await store.finishReindex({ unreadable: [] });
      await store.flush();
    }),
  compact: (data: string) => withStore(data, (store) => store.compact()),
  repair: (data: string) => withStore(data, (store) => store.verify({ repair: true })),
  rename: (data: string) => renameCollection({ data, name: NAME, to: 'renamed' }),
  delete: (data: string) => deleteCollection({ data, name: NAME }),
  async backup(data: string) {
    const { backupCollection } = await import('../../../indexer/backup.js');
    await withStore(data, (store) => backupCollection({ store, target: backupFile(data) }));
  },
  async import(data: string) {
    const { importCollection } = await import('../../../indexer/import.js');
    await importCollection({ from: backupFile(data), data, name: 'restored' });
  },
};

export type TaskName = keyof typeof TASKS;

/** A process to be killed: `victim.js TASK DATA`. It says when it begins. */
if (process.argv[1]?.endsWith('victim.js')) {
  process.stdout.write('begun\n');
  await TASKS[process.argv[2] as TaskName](process.argv[3]);
}
