import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { importCollection } from '../../../indexer/import.js';
import { inspectCollections } from '../../../src/store/sqlite/collections.js';
import { openStore, type SqliteStore } from '../../../src/store/sqlite/store.js';
import { temporaryFolder } from '../../fixture.js';
import { imageRecord } from '../../src/store/records.js';
import { requireMended, requireSound } from '../../src/store/soundness.js';
import { random } from '../../src/vilt/variant.js';
import { CASES, describeBackup, describeCollection, type State } from './cases.js';
import { backupFile, DIMENSION, MODEL, type TaskName, TASKS } from './victim.js';

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
  const next = random(seed);

  for (const [what, { task, prepare, states, end }] of Object.entries(CASES)) {
    it(`leave it whole: ${what}`, async () => {
      const [before, data] = [path.join(folder.path, `${what}, before`), path.join(folder.path, what)];
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
        try {
          const found = await look(data, requireSound);
          assert.ok(states.map(String).includes(String(found)), `there is ${JSON.stringify(found)}`);
          if (String(found) !== String(end)) await TASKS[task](data);
          assert.deepEqual(await look(data, requireMended), end, 'after the same again');
        } catch (error) {
          const where = 'call' in death ? `before ${calls[death.call - 1]}` : `after ${death.milliseconds} ms`;
          throw new Error(`Seed ${seed}, ${where}: ${String(error)}`, { cause: error });
        }
      }
    });
  }
}

/** Runs a task in another process, to its end or its death. Returns the calls before that, and how long it took. */
async function run(task: TaskName, data: string, death?: Death): Promise<{ calls: string[]; milliseconds: number }> {
  const log = `${data}.calls`;
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

/** What is there, each of it looked at whether it is whole. */
async function look(data: string, requireWhole: (store: SqliteStore) => Promise<unknown>): Promise<State> {
  const found: State = [];
  if (existsSync(backupFile(data))) found.push(describeBackup(await tryBackup(data)));
  for (const { name } of await inspectCollections(data)) {
    const store = await openStore({ data, name, exactBelow: 0 });
    try {
      await requireWhole(store);
      await requireFound(store);
      const { images, captions, model } = await store.info();
      assert.equal(captions, 2 * images);
      found.push(describeCollection({ name, images, model: model.hash }));
    } finally {
      await store.close();
    }
  }
  const folder = path.join(data, 'collections');
  const hidden = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('.')) : [];
  assert.deepEqual(hidden, [], 'what is half made or half deleted goes when collections are listed');
  return found;
}

/** Makes a collection of a backup, elsewhere. */
async function tryBackup(data: string): Promise<number> {
  const elsewhere = `${data}, elsewhere`;
  rmSync(elsewhere, { recursive: true, force: true });
  return (await importCollection({ from: backupFile(data), data: elsewhere, name: 'copy' })).images;
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
