import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspectCollections } from '../../../../src/store/sqlite/collections.js';
import { openStore, type SqliteStore } from '../../../../src/store/sqlite/store.js';
import { temporaryFolder } from '../../../fixture.js';
import { imageRecord, seededRandom } from '../records.js';
import { requireMended, requireSound } from '../soundness.js';
import {
  DIMENSION,
  GIVEN_UP_MODEL,
  MODEL,
  NAME,
  NEXT_MODEL,
  records,
  reembed,
  TASKS,
  withStore,
  write,
} from './victim.js';
import { makeOldCatalog } from './old.js';

/** A collection, as far as these tests tell them apart. */
interface State {
  name: string;
  images: number;
  model: string;
}

interface Case {
  task: keyof typeof TASKS;
  /** Makes what is there before. */
  prepare: (data: string) => Promise<unknown>;
  /** What may be there after a death; null for no collection. */
  states: (State | null)[];
  /** What is there once the same was done to its end. */
  end: State | null;
}

const IMAGES = 40;

const state = (changes: Partial<State> = {}): State => ({ name: NAME, images: IMAGES, model: MODEL.hash, ...changes });

const fill = (data: string) => withStore(data, (store) => write(store, 0, IMAGES));

const fileOf = (data: string, name: string) => path.join(data, 'collections', NAME, name);

const garble = (data: string, ...names: string[]) => {
  for (const name of names) writeFileSync(fileOf(data, name), 'garbage '.repeat(1000));
};

const CASES: Record<string, Case> = {
  'making it': {
    task: 'open',
    prepare: () => Promise.resolve(),
    states: [null, state({ images: 0 })],
    end: state({ images: 0 }),
  },
  'bringing it up to date': {
    task: 'open',
    async prepare(data) {
      const images = records(0, 501).map((record, at) => ({ ...record, sourceId: 1 + (at % 2) }));
      await Promise.resolve(makeOldCatalog(fileOf(data, 'catalog.sqlite'), { steps: 2, model: MODEL, images }));
    },
    states: [state({ images: 500 })],
    end: state({ images: 500 }),
  },
  'writing to it': {
    task: 'write',
    prepare: fill,
    states: [state(), state({ images: 70 })],
    end: state({ images: 70 }),
  },
  'reindexing it': {
    task: 'reindex',
    /** One of another model was begun. */
    async prepare(data) {
      await fill(data);
      await withStore(data, (store) => reembed(store, GIVEN_UP_MODEL));
    },
    states: [state(), state({ model: NEXT_MODEL.hash })],
    end: state({ model: NEXT_MODEL.hash }),
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
    states: [state({ images: IMAGES - 8 })],
    end: state({ images: IMAGES - 8 }),
  },
  'repairing it': {
    task: 'repair',
    async prepare(data) {
      await fill(data);
      garble(data, 'images.hnsw', 'captions.hnsw.new');
      rmSync(fileOf(data, 'captions.hnsw'));
    },
    states: [state()],
    end: state(),
  },
  'renaming it': {
    task: 'rename',
    prepare: fill,
    states: [state(), state({ name: 'renamed' })],
    end: state({ name: 'renamed' }),
  },
  'deleting it': { task: 'delete', prepare: fill, states: [state(), null], end: null },
};

/** When a process dies: before the nth of its calls that put a file in place or take one away, or so long after it began. */
type Death = { call: number } | { milliseconds: number };

/** How many of the deaths that may be drawn are at any time. */
const TIMED = 10;

/**
 * Lets processes die while something happens to a collection: before a call that puts a file in place or takes one away, or at any time.
 * For each thing that may happen a seed draws as many deaths as are wanted. Each time what is left must be whole, as it
 * was before or as it is to be; and the same again, undisturbed, must come to its end.
 */
export function describeDeaths({ most, seed }: { most: number; seed: number }): void {
  const folder = temporaryFolder();
  const next = seededRandom(seed);
  const at = (name: string) => path.join(folder.path, name);

  /** Runs a task in another process, to its end or its death. Returns the calls before that, and how long it took. */
  async function run(task: string, data: string, death?: Death): Promise<{ calls: string[]; milliseconds: number }> {
    const log = at('calls.log');
    writeFileSync(log, '');
    const victim = fileURLToPath(new URL('./victim.js', import.meta.url));
    const preload = ['--import', new URL('./death.js', import.meta.url).href];
    const call = death && 'call' in death ? death.call : 0;
    const child = spawn(process.execPath, [...preload, victim, task, data], {
      env: { ...process.env, DEATH_LOG: log, DEATH_AT: String(call) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = once(child, 'exit') as Promise<[number | null, string | null]>;
    await once(child.stdout, 'data');
    const begun = performance.now();
    const kill = () => child.kill('SIGKILL');
    const timer = death && 'milliseconds' in death ? setTimeout(kill, death.milliseconds) : undefined;
    const [code, signal] = await exit;
    clearTimeout(timer);
    // One that is killed late may have come to its end.
    if (call > 0) assert.equal(signal, 'SIGKILL');
    else if (signal === null) assert.equal(code, 0);
    const calls = readFileSync(log, 'utf8').split('\n').slice(0, -1);
    return { calls, milliseconds: performance.now() - begun };
  }

  /** Opens what is there, and looks whether it is whole. */
  async function look(data: string, requireWhole: (store: SqliteStore) => Promise<unknown>): Promise<State | null> {
    const [found, ...others] = await inspectCollections(data);
    assert.deepEqual(others, []);
    if (!found) return null;
    const { name } = found;
    const store = await openStore({ data, name, exactBelow: 0 });
    try {
      await requireWhole(store);
      await requireFound(store);
      const { images, captions, model } = await store.info();
      assert.equal(captions, 2 * images);
      return { name, images, model: model.hash };
    } finally {
      await store.close();
    }
  }

  for (const [what, { task, prepare, states, end }] of Object.entries(CASES)) {
    it(`leave a collection whole: ${what}`, async () => {
      const [before, data] = [at(`${what}, before`), at(what)];
      const restore = () => {
        rmSync(data, { recursive: true, force: true });
        cpSync(before, data, { recursive: true });
      };
      mkdirSync(before);
      await prepare(before);
      restore();
      const { calls, milliseconds } = await run(task, data);
      assert.deepEqual(await look(data, requireMended), end);
      const deaths: Death[] = [
        ...calls.map((_, at) => ({ call: at + 1 })),
        ...Array.from({ length: TIMED }, () => ({ milliseconds: milliseconds * next() })),
      ];
      for (const death of choose(deaths, most, next)) {
        restore();
        await run(task, data, death);
        const where = `seed ${seed}, ${JSON.stringify(death)} of ${calls.join(', ')}`;
        const found = await look(data, requireSound).catch((error: unknown) => {
          throw new Error(`${where}: ${String(error)}`, { cause: error });
        });
        const isOne = states.some((one) => JSON.stringify(one) === JSON.stringify(found));
        assert.ok(isOne, `${where}: ${JSON.stringify(found)}`);
        if (JSON.stringify(found) !== JSON.stringify(end)) await TASKS[task](data);
        assert.deepEqual(await look(data, requireMended), end, where);
      }
    });
  }
}

/** Every image is found by its embedding of the model that the collection is bound to. */
async function requireFound(store: SqliteStore): Promise<void> {
  const { model } = await store.info();
  for (const { imageId, contentHash } of await store.scan({ after: 0, limit: 1000 })) {
    const { embedding } = imageRecord(parseInt(contentHash, 16), DIMENSION);
    const expected = model.hash === MODEL.hash ? embedding : embedding.slice().reverse();
    const { neighbors } = await store.nearest({ target: 'images', embedding: expected, k: 1 });
    assert.equal(neighbors[0].id, imageId);
    assert.ok(Math.abs(neighbors[0].similarity - 1) < 1e-5);
  }
}

/** Up to `most` of them, in their order. */
function choose<T>(all: readonly T[], most: number, next: () => number): T[] {
  const chosen = [...all];
  while (chosen.length > most) chosen.splice(Math.floor(chosen.length * next()), 1);
  return chosen;
}
