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
import { DIMENSION, GIVEN_UP_MODEL, MODEL, NAME, NEXT_MODEL, reembed, TASKS, withStore, write } from './victim.js';

/** A collection, as far as these tests tell them apart. */
interface State {
  name: string;
  images: number;
  model: string;
}

interface Case {
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

const CASES: Record<keyof typeof TASKS, Case> = {
  create: { prepare: () => Promise.resolve(), states: [null, state({ images: 0 })], end: state({ images: 0 }) },
  write: { prepare: fill, states: [state({ images: 70 })], end: state({ images: 70 }) },
  reindex: {
    /** One of another model was begun. */
    async prepare(data) {
      await fill(data);
      await withStore(data, (store) => reembed(store, GIVEN_UP_MODEL));
    },
    states: [state(), state({ model: NEXT_MODEL.hash })],
    end: state({ model: NEXT_MODEL.hash }),
  },
  compact: {
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
  repair: {
    async prepare(data) {
      await fill(data);
      garble(data, 'images.hnsw', 'captions.hnsw.new');
      rmSync(fileOf(data, 'captions.hnsw'));
    },
    states: [state()],
    end: state(),
  },
  rename: { prepare: fill, states: [state(), state({ name: 'renamed' })], end: state({ name: 'renamed' }) },
  delete: { prepare: fill, states: [state(), null], end: null },
};

/**
 * Lets processes die before a call that puts a file in place or takes one away: at so many of those calls, chosen by a seed, for
 * each of several things that happen to a collection. Each time what is left must be whole: as it was before, or as it is to be; and
 * the same again, undisturbed, must come to its end.
 */
export function describeDeaths({ most, seed }: { most: number; seed: number }): void {
  const folder = temporaryFolder();
  const next = seededRandom(seed);
  const at = (name: string) => path.join(folder.path, name);

  /** Runs a task in another process, to its end or to its death before the nth call. Returns the calls before that. */
  async function run(task: string, options: { data: string; death: number }): Promise<string[]> {
    const log = at('calls.log');
    writeFileSync(log, '');
    const victim = fileURLToPath(new URL('./victim.js', import.meta.url));
    const preload = ['--import', new URL('./death.js', import.meta.url).href];
    const child = spawn(process.execPath, [...preload, victim, task, options.data], {
      env: { ...process.env, DEATH_LOG: log, DEATH_AT: String(options.death) },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    if (options.death === 0) assert.equal(code, 0);
    else assert.equal(signal, 'SIGKILL');
    return readFileSync(log, 'utf8').split('\n').slice(0, -1);
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
      const { images, model } = await store.info();
      return { name, images, model: model.hash };
    } finally {
      await store.close();
    }
  }

  for (const [task, { prepare, states, end }] of Object.entries(CASES)) {
    it(`leave a collection whole, whatever they were about: ${task}`, async () => {
      const [before, data] = [at(`${task}-before`), at(task)];
      const restore = () => {
        rmSync(data, { recursive: true, force: true });
        cpSync(before, data, { recursive: true });
      };
      mkdirSync(before);
      await prepare(before);
      restore();
      const calls = await run(task, { data, death: 0 });
      assert.deepEqual(await look(data, requireMended), end);
      assert.ok(calls.length > 0);
      for (const death of choose(calls.length, most, next)) {
        restore();
        await run(task, { data, death });
        const where = `seed ${seed}, death ${death}, before ${calls[death - 1]}`;
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

/** Up to `most` of the numbers from 1 to `count`. */
function choose(count: number, most: number, next: () => number): number[] {
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  while (numbers.length > most) numbers.splice(Math.floor(numbers.length * next()), 1);
  return numbers;
}
