import type { CollectionModel, ImageRecord, Neighbor } from '../../../src/store/store.js';

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export function unit(values: ArrayLike<number>): Float32Array {
  const vector = Float32Array.from(values);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

export function randomUnit(random: () => number, dimension: number): Float32Array {
  return unit(Array.from({ length: dimension }, () => gaussian(random)));
}

/** Unit vectors around `clusters` centers, as embeddings of pictures are: on uniform noise no index does well. */
export function clusteredUnits(options: {
  seed: number;
  count: number;
  dimension: number;
  clusters: number;
}): Float32Array[] {
  const { seed, count, dimension, clusters } = options;
  const random = seededRandom(seed);
  const centers = Array.from({ length: clusters }, () => randomUnit(random, dimension));
  return Array.from({ length: count }, () => {
    const center = centers[Math.floor(random() * clusters)];
    return unit(center.map((value) => value + (0.5 * gaussian(random)) / Math.sqrt(dimension)));
  });
}

/** What a search must find: every vector compared, best first, ties by id. */
export function exactNearest(vectors: Iterable<[number, Float32Array]>, query: Float32Array, k: number): Neighbor[] {
  const all = [...vectors].map(([id, vector]) => ({
    id,
    similarity: vector.reduce((sum, value, i) => sum + value * query[i], 0),
  }));
  return all.sort((a, b) => b.similarity - a.similarity || a.id - b.id).slice(0, k);
}

export function modelOf(dimension: number): CollectionModel {
  return { path: '/models/tiny', hash: 'a'.repeat(64), prefilterHash: 'b'.repeat(64), dimension, inputSize: '4/2' };
}

/** An image with two captions, all of it different for each seed; `changes` says what is to be otherwise. */
export function imageRecord(seed: number, dimension: number, changes: Partial<ImageRecord> = {}): ImageRecord {
  const random = seededRandom(seed);
  return {
    file: `pictures/${seed}.png`,
    contentHash: seed.toString(16).padStart(64, '0'),
    bytes: 1000 + seed,
    modified: 1.7e12 + seed + 0.5,
    width: 320 + seed,
    height: 240,
    split: seed % 2 === 0 ? 'train' : null,
    embedding: randomUnit(random, dimension),
    captions: ['first', 'second'].map((word) => ({
      text: `the ${word} caption of ${seed}`,
      embedding: randomUnit(random, dimension),
    })),
    modelInput: { width: 4, height: 2, pixels: Uint8Array.from({ length: 24 }, () => random() * 256) },
    ...changes,
  };
}
