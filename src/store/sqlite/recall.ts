import { setImmediate as nextTurn } from 'node:timers/promises';
import { dot } from '../../vector.js';
import type { Target } from '../store.js';
import type { Catalog } from './catalog.js';
import { Best } from './exact.js';
import { MAX_EF } from './manifest.js';
import type { NearestIndex } from './nearest.js';

/** How well a graph must find the nearest, and how that is measured. */
export const RECALL = { k: 100, wanted: 0.99, queries: 50 } as const;

/** Candidates to try: each half as many again as the one before. */
const EFS = [128, 192, 288, 432, 648, 972, 1458, 2187, MAX_EF];

/** Vectors compared with all queries before the thread answers what was asked meanwhile: about 5 ms. */
const PAGE = 256;

export interface RecallOptions {
  catalog: Catalog;
  target: Target;
  index: NearestIndex;
  /** Whether to go on; asked between slices of work. */
  goesOn: () => boolean;
}

/**
 * The least ef that finds the wanted share of the nearest, or else the most that is tried; null where it was stopped, or the
 * vectors changed meanwhile.
 */
export async function findEf(options: RecallOptions): Promise<{ ef: number; recall: number } | null> {
  const sample = await takeSample(options);
  if (!sample) return null;
  let found: { ef: number; recall: number } | null = null;
  for (const ef of EFS) {
    const recall = await recallOf(sample, { ...options, ef });
    if (recall === null) return null;
    found = { ef, recall };
    if (recall >= RECALL.wanted) break;
  }
  return found;
}

/** The recall of searches as they are; null where it was stopped, or the vectors changed meanwhile. */
export async function measureRecall(options: RecallOptions): Promise<number | null> {
  const sample = await takeSample(options);
  return sample && recallOf(sample, { ...options, ef: options.index.ef });
}

interface Sample {
  revision: number;
  queries: Float32Array[];
  /** Of the nearest of each: how many, and the similarity of the last. Others that are as similar are as good. */
  nearest: { count: number; last: number }[];
}

/**
 * Queries as users make them: vectors of the other modality, which lie further from what they look for than its own do. Where there
 * are none, its own.
 */
async function takeSample({ catalog, target, goesOn }: RecallOptions): Promise<Sample | null> {
  const { revision, queries } = catalog.read(() => {
    const others = catalog.sampleVectors(target === 'images' ? 'captions' : 'images', RECALL.queries);
    return {
      revision: catalog.revision(),
      queries: others.length > 0 ? others : catalog.sampleVectors(target, RECALL.queries),
    };
  });
  const bests = queries.map(() => new Best(RECALL.k));
  for (let after = 0; ;) {
    await nextTurn();
    if (!goesOn() || catalog.revision() !== revision) return null;
    const vectors = catalog.vectorPage(target, { after, until: revision, limit: PAGE });
    if (vectors.length === 0) break;
    after = vectors.at(-1)!.revision;
    queries.forEach((query, i) => {
      for (const { id, vector } of vectors) bests[i].offer(id, dot(query, vector));
    });
  }
  const nearest = bests.map((best) => ({ count: best.count, last: best.sorted().at(-1)?.similarity ?? 1 }));
  return { revision, queries, nearest };
}

async function recallOf(sample: Sample, options: RecallOptions & { ef: number }): Promise<number | null> {
  const { catalog, index, ef, goesOn } = options;
  let found = 0;
  let expected = 0;
  for (const [i, embedding] of sample.queries.entries()) {
    await nextTurn();
    if (!goesOn() || catalog.revision() !== sample.revision) return null;
    const { count, last } = sample.nearest[i];
    const neighbors = index.search({ embedding, k: RECALL.k, ef });
    found += neighbors.filter(({ similarity }) => similarity >= last).length;
    expected += count;
  }
  return expected === 0 ? 1 : found / expected;
}
