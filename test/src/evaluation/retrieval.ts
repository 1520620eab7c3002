import { type Direction, DIRECTIONS } from '../../../src/evaluation/names.js';
import { type Ranking, RESULT_VERSION, type RetrievalResult, type Row } from '../../../src/evaluation/result.js';

/** Two captions an image. */
const IMAGES = 50;

const RANKINGS: Ranking[] = [
  { stage: 'prefilter', candidates: null, order: 'similarity' },
  ...[1, 5, 10, 20, 32].flatMap((candidates) =>
    (['matchScore', 'calibrated'] as const).map((order) => ({ stage: 'two-stage' as const, candidates, order })),
  ),
  { stage: 'exhaustive', candidates: null, order: 'matchScore' },
];

/** A result such as an evaluation of 50 images with two captions each leaves; its ranks are made by a rule, not by a model. */
export function retrievalResult(changes: Partial<RetrievalResult> = {}): RetrievalResult {
  const groups = {
    'text-to-image': [...Array(2 * IMAGES).keys()].map((query) => query >> 1),
    'image-to-text': [...Array(IMAGES).keys()],
  };
  return {
    version: RESULT_VERSION,
    kind: 'retrieval',
    protocol: 'whole-split',
    date: '2026-11-28T22:00:00.000Z',
    dataset: {
      name: 'dataset.json',
      path: '/data/dataset.json',
      root: '/data',
      format: 'karpathy',
      split: 'test',
      hash: 'd'.repeat(64),
      images: IMAGES,
      captions: 2 * IMAGES,
      captionsAnImage: null,
      duplicateCaptions: 3,
      folds: 1,
      missing: [],
    },
    sample: null,
    model: {
      path: 'bundled',
      hash: 'a'.repeat(64),
      parameters: 5_000_000,
      head: 'rank',
      precision: 'fp32',
      device: 'cpu',
      calibration: { matchScore: 1, similarity: 2, bias: -3 },
    },
    prefilter: { source: 'checkpoint', hash: 'b'.repeat(64), dimension: 128 },
    versions: { patchword: '0.1.0', node: '20.19.0', onnxruntime: '1.30.0' },
    machine: { cpu: 'Intel Xeon', cores: 2, memory: 8 * 2 ** 30, platform: 'linux-x64' },
    rows: DIRECTIONS.flatMap((direction) => RANKINGS.map((ranking) => rowOf(direction, ranking))),
    differences: [],
    suggestions: [],
    prefilterRecall: DIRECTIONS.flatMap((direction) =>
      [1, 5, 10, 20, 32].map((candidates) => ({
        direction,
        candidates,
        recall: Math.min(100, 80 + 5 * Math.log2(candidates)),
      })),
    ),
    histograms: [],
    worst: [],
    cost: {
      pairs: 3200,
      reused: 0,
      seconds: 12,
      pairsPerSecond: 267,
      prefilterMilliseconds: { 'text-to-image': 2, 'image-to-text': 3 },
    },
    queries: groups,
    notes: [],
    ...changes,
  };
}

function rowOf(direction: Direction, ranking: Ranking): Row {
  const queries = direction === 'text-to-image' ? 2 * IMAGES : IMAGES;
  const pairsAQuery = ranking.stage === 'two-stage' ? ranking.candidates! : ranking.stage === 'exhaustive' ? IMAGES : 0;
  const better = ranking.order === 'calibrated' ? 2 : 0;
  // One in so many queries is not found first.
  const wrong = 4 + Math.round(Math.log2(pairsAQuery + 1)) + better;
  const ranks = [...Array(queries).keys()].map((query) => (query % wrong === 0 ? 2 + (query % 13) : 1));
  const recall = (k: number) => (100 * ranks.filter((rank) => rank <= k).length) / queries;
  const first = recall(1);
  return {
    ...ranking,
    direction,
    queries,
    gallery: IMAGES,
    'R@1': first,
    'R@5': recall(5),
    'R@10': recall(10),
    intervals: { 'R@1': [first - 4, Math.min(100, first + 4)], 'R@5': null, 'R@10': null },
    medianRank: 1,
    meanRank: ranks.reduce((sum, rank) => sum + rank, 0) / queries,
    'mAP@R': first,
    rsum: null,
    ceiling: ranking.stage === 'two-stage' ? 100 : null,
    cost: { pairs: pairsAQuery * queries, pairsAQuery, millisecondsAQuery: 2 + 2.3 * pairsAQuery, seconds: 1 },
    ranks,
  };
}
