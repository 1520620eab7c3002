/**
 * Captions as candidates: how long looking up texts takes among many captions, by their words. The captions are drawn from the
 * vocabulary with Zipf's law, as often as the words of COCO's captions are: the first is in two thirds of them, the hundredth
 * in one of a hundred.
 *
 *     node dist/bench/words.js [--captions 500000] [--queries 300] [--k 100]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom } from '../src/evaluation/random.js';
import { openDatabase } from '../src/store/sqlite/database.js';
import { CATALOG_STEPS } from '../src/store/sqlite/schema.js';
import { openStore } from '../src/store/sqlite/store.js';
import { STORE_LIMITS, type ImageRecord, type Store } from '../src/store/store.js';
import { processorTime, timesOf } from './times.js';
import { VOCABULARY } from './vocabulary.js';

const { values: args } = parseArgs({
  options: {
    captions: { type: 'string', default: '500000' },
    queries: { type: 'string', default: '300' },
    k: { type: 'string', default: '100' },
  },
});
const [captions, queries, k] = [args.captions, args.queries, args.k].map(Number);
/** The words of each text that were looked up. */
const lookedUp: string[][] = [];
/** Vectors do not matter here. */
const DIMENSION = 4;
const CAPTIONS_PER_IMAGE = 5;

let sum = 0;
const sums = VOCABULARY.map((_, rank) => (sum += 1 / (rank + 1)));

/** A word, the more often the earlier it is in the vocabulary. */
function word(random: () => number): string {
  const wanted = random() * sum;
  let from = 0;
  for (let to = sums.length - 1; from < to;) {
    const middle = (from + to) >> 1;
    if (sums[middle] < wanted) from = middle + 1;
    else to = middle;
  }
  return VOCABULARY[from];
}

const words = (random: () => number, least: number, most: number) =>
  Array.from({ length: least + Math.floor(random() * (most - least + 1)) }, () => word(random)).join(' ');

function embedding(random: () => number): Float32Array {
  const values = Float32Array.from({ length: DIMENSION }, () => random() - 0.5);
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}

const data = mkdtempSync(path.join(tmpdir(), 'patchword-words-'));
try {
  const model = { path: 'bench', hash: 'a', prefilterHash: 'b', dimension: DIMENSION, inputSize: '4/2' };
  const store = await openStore({ data, name: 'words', create: model, inputCacheBytes: 0, exactBelow: Infinity });
  const started = performance.now();
  await fill(store);
  console.log(`indexing      ${((performance.now() - started) / 1000).toFixed(0)} s for ${captions} captions`);
  for (const [kind, least, most] of [
    ['of 3 to 6 words', 3, 6],
    ['of 8 to 12 words', 8, 12],
  ] as const) {
    for (const round of ['the first time', 'again']) {
      const times: number[] = [];
      const before = processorTime();
      let [looked, found, skipped] = [0, 0, 0];
      const random = seededRandom(2);
      for (let i = 0; i < queries; i++) {
        const text = words(random, least, most);
        const start = performance.now();
        const matches = await store.captionMatches({ text, embedding: embedding(random), k });
        times.push(performance.now() - start);
        const rare = [...new Set(text.split(' '))].filter((each) => !matches.commonWords.includes(each));
        if (rare.length > 0) lookedUp.push(rare);
        looked += rare.length;
        found += matches.neighbors.length;
        skipped += matches.skipped === null ? 0 : 1;
      }
      const processor = ((processorTime() - before) / queries).toFixed(2);
      const each = `${processor} ms of processor, ${(looked / queries).toFixed(1)} words looked up, ${(found / queries).toFixed(0)} images, ${skipped} skipped`;
      console.log(`texts ${kind}, ${round}: ${timesOf(times)}; ${each}`);
    }
  }
  await store.close();
  withFts5(path.join(data, 'collections', 'words', 'catalog.sqlite'));
} finally {
  rmSync(data, { recursive: true, force: true });
}

/** The same words, ranked by FTS5's own bm25(), in this thread. */
function withFts5(catalog: string): void {
  const database = openDatabase(catalog, CATALOG_STEPS);
  const ranked = database.prepare<[string, number]>(
    'SELECT rowid FROM caption_words WHERE caption_words MATCH ? ORDER BY rank LIMIT ?',
  );
  const before = processorTime();
  const times = lookedUp.map((rare) => {
    const start = performance.now();
    ranked.all(rare.map((each) => `"${each}"`).join(' OR '), k);
    return performance.now() - start;
  });
  const processor = ((processorTime() - before) / times.length).toFixed(2);
  console.log(`all of those, by FTS5's bm25(): ${timesOf(times)}; ${processor} ms of processor`);
  database.close();
}

async function fill(store: Store): Promise<void> {
  const { sourceId } = await store.addSource({ path: '/bench', root: '/bench', format: 'folder', options: {} });
  const random = seededRandom(1);
  const batchImages = Math.floor(STORE_LIMITS.batchItems / (1 + CAPTIONS_PER_IMAGE));
  const count = Math.ceil(captions / CAPTIONS_PER_IMAGE);
  for (let first = 0; first < count; first += batchImages) {
    const images = Array.from({ length: Math.min(batchImages, count - first) }, (_, i) => imageOf(first + i, random));
    await store.upsert({ sourceId, images });
  }
}

function imageOf(i: number, random: () => number): ImageRecord {
  const texts = new Set(Array.from({ length: CAPTIONS_PER_IMAGE }, () => words(random, 8, 13)));
  return {
    file: `${i}.jpg`,
    location: { file: `${i}.jpg` },
    contentHash: i.toString(16).padStart(64, '0'),
    bytes: 1,
    modified: 0,
    width: 640,
    height: 480,
    perceptualHash: null,
    split: null,
    attributes: {},
    embedding: embedding(random),
    captions: [...texts].map((text) => ({ text, embedding: embedding(random) })),
    modelInput: null,
  };
}
