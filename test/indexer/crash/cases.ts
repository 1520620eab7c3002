import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeOldCatalog } from '../../src/store/sqlite/old.js';
import {
  GIVEN_UP_MODEL,
  MODEL,
  NAME,
  NEXT_MODEL,
  records,
  reembed,
  type TaskName,
  TASKS,
  withStore,
  write,
} from './victim.js';

/** What there is in a data folder: collections and backups, described by a line each. */
export type State = string[];

/** Something that may happen to a collection, and to the process that is about it. */
export interface Case {
  task: TaskName;
  /** Makes what is there before. */
  prepare: (data: string) => Promise<unknown>;
  /** What may be there after a death. */
  states: State[];
  /** What is there once it was done to its end. */
  end: State;
}

export function describeCollection({ name, images, model }: { name: string; images: number; model: string }): string {
  return `${name}: ${images} images of model ${model.slice(0, 8)}`;
}

export function describeBackup(images: number): string {
  return `backup: ${images} images`;
}

const IMAGES = 40;

const collection = (changes: Partial<{ name: string; images: number; model: string }> = {}) =>
  describeCollection({ name: NAME, images: IMAGES, model: MODEL.hash, ...changes });

const fill = (data: string) => withStore(data, (store) => write(store, 0, IMAGES));

const fileOf = (data: string, name: string) => path.join(data, 'collections', NAME, name);

function garble(data: string, ...names: string[]): void {
  for (const name of names) writeFileSync(fileOf(data, name), 'garbage '.repeat(1000));
}

export const CASES: Record<string, Case> = {
  'making it': {
    task: 'open',
    prepare: () => Promise.resolve(),
    states: [[], [collection({ images: 0 })]],
    end: [collection({ images: 0 })],
  },
  'bringing it up to date': {
    task: 'open',
    async prepare(data) {
      const images = records(0, 501).map((record, at) => ({ ...record, sourceId: 1 + (at % 2) }));
      await Promise.resolve(makeOldCatalog(fileOf(data, 'catalog.sqlite'), { steps: 2, model: MODEL, images }));
    },
    states: [[collection({ images: 500 })]],
    end: [collection({ images: 500 })],
  },
  'writing to it': {
    task: 'write',
    prepare: fill,
    states: [[collection()], [collection({ images: 70 })]],
    end: [collection({ images: 70 })],
  },
  'reindexing it': {
    task: 'reindex',
    /** Another reindex was begun, and not finished. */
    async prepare(data) {
      await fill(data);
      await withStore(data, (store) => reembed(store, GIVEN_UP_MODEL));
    },
    states: [[collection()], [collection({ model: NEXT_MODEL.hash })]],
    end: [collection({ model: NEXT_MODEL.hash })],
  },
  'compacting it': {
    task: 'compact',
    async prepare(data) {
      await fill(data);
      await withStore(data, async (store) => {
        await store.remove([1, 2, 3, 4, 5, 6, 7, 8]);
        await store.flush();
      });
      garble(data, 'images.hnsw.new', 'manifest.json.new', 'reindex.sqlite', 'reindex.sqlite-wal');
    },
    states: [[collection({ images: IMAGES - 8 })]],
    end: [collection({ images: IMAGES - 8 })],
  },
  'repairing it': {
    task: 'repair',
    async prepare(data) {
      await fill(data);
      garble(data, 'images.hnsw', 'captions.hnsw.new');
      rmSync(fileOf(data, 'captions.hnsw'));
    },
    states: [[collection()]],
    end: [collection()],
  },
  'renaming it': {
    task: 'rename',
    prepare: fill,
    states: [[collection()], [collection({ name: 'renamed' })]],
    end: [collection({ name: 'renamed' })],
  },
  'deleting it': { task: 'delete', prepare: fill, states: [[collection()], []], end: [] },
  'backing it up': {
    task: 'backup',
    prepare: fill,
    states: [[collection()], [describeBackup(IMAGES), collection()]],
    end: [describeBackup(IMAGES), collection()],
  },
  'making it of a backup': {
    task: 'import',
    async prepare(data) {
      await fill(data);
      await TASKS.backup(data);
    },
    states: [
      [describeBackup(IMAGES), collection()],
      [describeBackup(IMAGES), collection(), collection({ name: 'restored' })],
    ],
    end: [describeBackup(IMAGES), collection(), collection({ name: 'restored' })],
  },
};
