import { seededRandom } from '../../../src/evaluation/random.js';
import {
  STORE_LIMITS,
  type CollectionModel,
  type ImageRecord,
  type Neighbor,
  type Store,
  type StoredImage,
} from '../../../src/store/store.js';
import type { ModelInput } from '../../../src/vilt/image.js';

export { seededRandom };

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

/** A record that leaves nothing out. */
export type WholeRecord = ImageRecord & { embedding: Float32Array; modelInput: ModelInput };

/** An image with two captions, all of it different for each seed; `changes` says what is to be otherwise. */
export function imageRecord(seed: number, dimension: number, changes: Partial<WholeRecord> = {}): WholeRecord {
  const random = seededRandom(seed);
  const file = changes.file ?? `pictures/${seed}.png`;
  return {
    file,
    location: { file },
    contentHash: seed.toString(16).padStart(64, '0'),
    bytes: 1000 + seed,
    modified: 1.7e12 + seed + 0.5,
    width: 320 + seed,
    height: 240,
    perceptualHash: null,
    split: seed % 2 === 0 ? 'train' : null,
    attributes: {},
    embedding: randomUnit(random, dimension),
    captions: ['first', 'second'].map((word) => ({
      text: `the ${word} caption of ${seed}`,
      embedding: randomUnit(random, dimension),
    })),
    modelInput: { width: 4, height: 2, pixels: Uint8Array.from({ length: 24 }, () => random() * 256) },
    ...changes,
  };
}

/** Upserts into the source of a path, which is made where there is none. */
export async function upsertTo(store: Store, { path, images }: { path: string; images: ImageRecord[] }) {
  const { sourceId } = await store.addSource({ path, root: path, format: 'folder', options: {} });
  return store.upsert({ sourceId, images });
}

/** The images of a source, in the order of its files. */
export async function scanSource(store: Store, { path }: { path: string }): Promise<StoredImage[]> {
  const source = (await store.sources()).find((candidate) => candidate.path === path);
  const images: StoredImage[] = [];
  for (let after = 0; source;) {
    const files = await store.scanFiles({ sourceId: source.sourceId, after, limit: STORE_LIMITS.batchItems });
    if (files.length === 0) break;
    images.push(...(await store.getImages([...new Set(files.map(({ imageId }) => imageId))])));
    after = files.at(-1)!.fileId;
  }
  return images;
}

export async function neighborsOf(store: Store, query: Parameters<Store['nearest']>[0]): Promise<Neighbor[]> {
  return (await store.nearest(query)).neighbors;
}
