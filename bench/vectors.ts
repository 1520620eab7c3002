/**
 * Nearest neighbours among many vectors, through the store as it is used: how long it takes to take them in, to build, save and load
 * the graph; memory and bytes; time of a search and recall against comparing all, with filters, after deletes and opened again.
 * The vectors lie in clusters, as embeddings of pictures do; the same for the same seed.
 *
 *     node dist/bench/vectors.js [--count 100000] [--dimension 256] [--k 100] [--queries 200] [--clusters 1000] [--data DIR]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom } from '../src/evaluation/random.js';
import type { Filter } from '../src/filter.js';
import { Best } from '../src/store/sqlite/exact.js';
import { openStore, type SqliteStore } from '../src/store/sqlite/store.js';
import { STORE_LIMITS, type ImageRecord } from '../src/store/store.js';
import { dot } from '../src/vector.js';
import { seededNormal } from './random.js';
import { percentiles, processorTime, timesOf } from './times.js';

const { values: args } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    dimension: { type: 'string', default: '256' },
    k: { type: 'string', default: '100' },
    queries: { type: 'string', default: '200' },
    clusters: { type: 'string', default: '1000' },
    data: { type: 'string', default: tmpdir() },
  },
});
const [count, dimension, k] = [args.count, args.dimension, args.k].map(Number);

/** What a search may find: all, what a filter allows, or what is left after deletes. */
interface Part {
  filter?: Filter;
  has: (i: number) => boolean;
  /** Of each query, what comparing all finds. */
  bests: Best[];
}

const normal = seededNormal(1);
const uniform = seededRandom(2);
const centers = Array.from({ length: Number(args.clusters) }, () => unit(() => normal()));
const queries = Array.from({ length: Number(args.queries) }, clustered);
const part = (has: Part['has'], filter?: Filter): Part => ({ filter, has, bests: queries.map(() => new Best(k)) });
const isDeleted = (i: number) => i % 10 === 5;
const parts = {
  all: part(() => true),
  tenth: part((i) => i % 10 === 3, { field: 'tenth', eq: 3 }),
  hundredth: part((i) => i % 100 === 7, { field: 'hundredth', eq: 7 }),
  left: part((i) => !isDeleted(i)),
};
/** Of each vector, in the order of insertion. */
const ids: number[] = [];
const results: Record<string, unknown> = { count, dimension, k, clusters: centers.length };

const data = mkdtempSync(path.join(args.data, 'patchword-vectors-'));
try {
  const model = { path: 'bench', hash: 'a', prefilterHash: 'b', dimension, inputSize: '4/2' };
  const open = () =>
    openStore({
      data,
      name: 'vectors',
      create: model,
      inputCacheBytes: 0,
      onNote: (line) => console.log(`note: ${line}`),
    });
  let store = await open();
  report('insert, seconds', Number((await fill(store)).toFixed(2)));
  await timed('build, measure and save', () => store.flush());
  await timed('one more, and save', () => oneMore(store));
  report('memory, bytes', process.memoryUsage().rss);
  const file = (name: string) =>
    statSync(path.join(data, 'collections', 'vectors', name), { throwIfNoEntry: false })?.size ?? null;
  report('graph file, bytes', file('images.hnsw'));
  report('catalog, bytes', file('catalog.sqlite'));
  report('ef', (await store.measureRecall()).images.ef);
  await searches(store, 'search', parts.all);
  await searches(store, '1 % filter', parts.hundredth);
  await searches(store, '10 % filter', parts.tenth);
  await timed('close', () => store.close());
  await timed('open, with the first search', async () => {
    store = await open();
    await nearest(store, 0, parts.all);
  });
  report('memory after load, bytes', process.memoryUsage().rss);
  await searches(store, 'search, opened again', parts.all);
  await timed('delete a tenth', () => removeTenth(store));
  await searches(store, 'search, a tenth deleted', parts.left);
  await searches(store, '10 % filter, a tenth deleted', parts.tenth);
  await store.flush();
  await store.close();
  store = await open();
  await searches(store, 'search, a tenth deleted, opened again', parts.left);
  await store.close();
  console.log(JSON.stringify(results));
} finally {
  rmSync(data, { recursive: true, force: true });
}

function unit(value: (i: number) => number): Float32Array {
  const vector = Float32Array.from({ length: dimension }, (_, i) => value(i));
  const length = Math.sqrt(dot(vector, vector));
  return vector.map((each) => each / length);
}

function clustered(): Float32Array {
  const center = centers[Math.floor(uniform() * centers.length)];
  return unit((i) => center[i] + (0.5 * normal()) / Math.sqrt(dimension));
}

/** @returns seconds in the store: not in making vectors, nor in finding what is right */
async function fill(store: SqliteStore): Promise<number> {
  let milliseconds = 0;
  const { sourceId } = await store.addSource({ path: '/bench', root: '/bench', format: 'folder', options: {} });
  for (let first = 0; first < count; first += STORE_LIMITS.batchItems) {
    const images = Array.from({ length: Math.min(STORE_LIMITS.batchItems, count - first) }, (_, i) =>
      imageOf(first + i),
    );
    const started = performance.now();
    ids.push(...(await store.upsert({ sourceId, images })));
    milliseconds += performance.now() - started;
    images.forEach(({ embedding }, i) => offer(first + i, embedding!));
  }
  return milliseconds / 1000;
}

function offer(i: number, embedding: Float32Array): void {
  const having = Object.values(parts).filter(({ has }) => has(i));
  queries.forEach((query, q) => {
    const similarity = dot(query, embedding);
    for (const { bests } of having) bests[q].offer(i, similarity);
  });
}

function imageOf(i: number): ImageRecord {
  const file = `${i}.jpg`;
  return {
    ...{ file, location: { file }, contentHash: i.toString(16).padStart(64, '0'), bytes: 1, modified: 0 },
    ...{ width: 640, height: 480, perceptualHash: null, split: null, captions: [], modelInput: null },
    attributes: { tenth: i % 10, hundredth: i % 100 },
    embedding: clustered(),
  };
}

async function oneMore(store: SqliteStore): Promise<void> {
  const [{ sourceId }] = await store.sources();
  const [id] = await store.upsert({ sourceId, images: [{ ...imageOf(count), embedding: unit(() => normal()) }] });
  await store.flush();
  await store.remove([id]);
}

async function removeTenth(store: SqliteStore): Promise<void> {
  const gone = ids.filter((_, i) => isDeleted(i));
  for (let at = 0; at < gone.length; at += STORE_LIMITS.batchItems) {
    await store.remove(gone.slice(at, at + STORE_LIMITS.batchItems));
  }
}

async function nearest(store: SqliteStore, q: number, { filter }: Part): Promise<number[]> {
  const { neighbors } = await store.nearest({ target: 'images', embedding: queries[q], k, ...(filter && { filter }) });
  return neighbors.map(({ id }) => id);
}

async function searches(store: SqliteStore, name: string, part: Part): Promise<void> {
  const times: number[] = [];
  const hits = { 10: 0, [k]: 0 };
  const wanted = { 10: 0, [k]: 0 };
  const before = performance.now();
  await nearest(store, 0, part);
  const first = performance.now() - before;
  const used = processorTime();
  for (let q = 0; q < queries.length; q++) {
    const start = performance.now();
    const found = await nearest(store, q, part);
    times.push(performance.now() - start);
    const right = part.bests[q].sorted().map(({ id }) => ids[id]);
    for (const at of [10, k]) {
      const best = new Set(right.slice(0, at));
      hits[at] += found.slice(0, at).filter((id) => best.has(id)).length;
      wanted[at] += best.size;
    }
  }
  const processor = (processorTime() - used) / queries.length;
  const recall = Object.fromEntries([10, k].map((at) => [`recall@${at}`, hits[at] / wanted[at]]));
  results[name] = { first, processor, ...percentiles(times), ...recall };
  const recalls = Object.entries(recall).map(([at, value]) => `${at} ${value.toFixed(4)}`);
  console.log(
    `${name.padEnd(40)} first ${first.toFixed(1)} ms, ${timesOf(times)}, ${processor.toFixed(2)} ms of processor; ${recalls.join(', ')}`,
  );
}

async function timed(name: string, run: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  await run();
  report(`${name}, seconds`, Number(((performance.now() - start) / 1000).toFixed(2)));
}

function report(name: string, value: unknown): void {
  results[name] = value;
  console.log(`${name.padEnd(40)} ${String(value)}`);
}
