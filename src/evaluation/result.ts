import { z } from 'zod';
import { PatchwordError } from '../errors.js';
import { DIRECTIONS, ORDERS, PROTOCOLS, RECALLS, STAGES } from './names.js';

/** Version of what an evaluation writes. Another one is refused; keys may be added without a new one. */
export const RESULT_VERSION = 1;

const count = z.number().int().nonnegative();
const seconds = z.number().nonnegative();
/** In [0, 100]; null where there is no query. */
const percent = z.number().min(0).max(100).nullable();
/** The ends of a 95 % interval. */
const interval = z.tuple([z.number(), z.number()]).nullable();
const direction = z.enum(DIRECTIONS);

/** What tells a row from the others of its direction. */
const ranking = z.object({
  stage: z.enum(STAGES),
  /** Null but for two-stage. */
  candidates: count.nullable(),
  order: z.enum(ORDERS),
});

const row = ranking.extend({
  direction,
  queries: count,
  /** Items that one query is ranked against: those of one fold. */
  gallery: count,
  'R@1': percent,
  'R@5': percent,
  'R@10': percent,
  /** 95 %, by bootstrap over images, in percent: of a sample of queries, for all of them. */
  intervals: z.object({ 'R@1': interval, 'R@5': interval, 'R@10': interval }),
  /** Of the best relevant item. */
  medianRank: z.number().nullable(),
  meanRank: z.number().nullable(),
  'mAP@R': percent,
  /** Sum of the six recalls of both directions: the same in both their rows. */
  rsum: z.number().nullable(),
  /** Of two-stage rows: for how many queries (percent) something relevant is among the candidates. No order can find more. */
  ceiling: percent,
  cost: z.object({
    /** Pairs that the joint model reads for all queries of the row, and for one. */
    pairs: count,
    pairsAQuery: z.number().nonnegative(),
    /** Milliseconds of one query, embedding and comparison included, and the seconds of them all: at the measured rate. */
    millisecondsAQuery: z.number().nonnegative(),
    seconds,
  }),
  /** Rank of the best relevant item of each query, in the order of `queries`: what a paired comparison needs. */
  ranks: z.array(z.number().int().positive()),
});

const difference = z.object({
  direction,
  of: ranking,
  against: ranking,
  metric: z.enum(RECALLS),
  /** `of` minus `against`, in points of percent; its interval is a paired bootstrap over images. */
  points: z.number(),
  interval,
});

const suggestion = z.object({
  direction,
  order: z.enum(ORDERS),
  /** The smallest number of candidates whose R@1 is less than `within` points below the reference's; null where none is. */
  candidates: count.nullable(),
  within: z.number(),
  /** Exhaustive, or the most candidates where not every pair was scored. */
  reference: ranking,
  points: z.number().nullable(),
  interval,
});

const image = z.object({
  name: z.string(),
  /** Where its bytes are, below `dataset.root`: as `readOriginal` takes it. */
  location: z.union([
    z.object({ file: z.string(), offset: z.number(), bytes: z.number() }),
    z.object({ file: z.string(), row: z.number(), column: z.string() }),
    z.object({ file: z.string() }),
  ]),
});

/** One item of a ranking: a text, or an image. */
const item = z.object({
  text: z.string().nullable(),
  image: image.nullable(),
  rank: z.number().int().positive(),
  similarity: z.number().nullable(),
  matchScore: z.number().nullable(),
  matchProbability: z.number().nullable(),
});

const worstQuery = z.object({
  direction,
  /** The row whose ranking it is. */
  of: ranking,
  /** One of the two is null. */
  query: z.object({ text: z.string().nullable(), image: image.nullable() }),
  /** Of the best relevant item. */
  rank: z.number().int().positive(),
  /** What should have been found, best first, … */
  relevant: z.array(item),
  /** … and what was found first. */
  found: z.array(item),
});

const histogram = z.object({
  score: z.enum(['similarity', 'matchScore', 'matchProbability']),
  /** Of which pairs: all of the galleries, or those that the joint model read (the hard ones, unless it read all). */
  pairs: z.enum(['all', 'scored']),
  /** One more than there are bins. */
  edges: z.array(z.number()),
  /** Pairs a bin: of a text with its own image, and of others. */
  matches: z.array(count),
  nonMatches: z.array(count),
});

/** The recall tables of one model on one split, and all that it takes to tell what they mean. */
export const retrievalResult = z.object({
  version: z.literal(RESULT_VERSION),
  kind: z.literal('retrieval'),
  protocol: z.enum(PROTOCOLS),
  /** ISO 8601, when it was finished. */
  date: z.string(),
  dataset: z.object({
    /** Base name of the file or folder, and its absolute path. */
    name: z.string(),
    path: z.string(),
    root: z.string(),
    format: z.string(),
    split: z.string().nullable(),
    /** SHA-256 of its pictures' contents and captions, in order. */
    hash: z.string(),
    /** What the protocol takes of the split. */
    images: count,
    captions: count,
    /** The most captions that are taken of an image; null for all. */
    captionsAnImage: count.nullable(),
    /** Captions left out because their image has the same one already. */
    duplicateCaptions: count,
    folds: count,
    /** Pictures that are not there or cannot be read, left out on request. */
    missing: z.array(z.object({ file: z.string(), reason: z.string() })),
  }),
  /** Null for all queries; else how many of how many were drawn, against the whole gallery. */
  sample: z
    .object({
      queries: count,
      seed: count,
      of: z.object({ 'text-to-image': count, 'image-to-text': count }),
    })
    .nullable(),
  model: z.object({
    path: z.string(),
    hash: z.string(),
    parameters: count,
    head: z.enum(['rank', 'itm']).nullable(),
    precision: z.string(),
    device: z.string(),
    calibration: z.object({ matchScore: z.number(), similarity: z.number(), bias: z.number() }).nullable(),
  }),
  prefilter: z.object({ source: z.string(), hash: z.string(), dimension: count }).nullable(),
  versions: z.object({ patchword: z.string(), node: z.string(), onnxruntime: z.string() }),
  machine: z.object({ cpu: z.string(), cores: count, memory: count, platform: z.string() }),
  /** Directions, then stages, candidates and orders, as the constants above have them. */
  rows: z.array(row),
  differences: z.array(difference),
  suggestions: z.array(suggestion),
  /** Prefilter recall (percent) at each number of candidates: the second stage's ceiling. */
  prefilterRecall: z.array(z.object({ direction, candidates: count, recall: percent })),
  histograms: z.array(histogram),
  worst: z.array(worstQuery),
  /** What the joint model read, each pair once for all rows, and what that took, at the rate of this and earlier runs. */
  cost: z.object({
    pairs: count,
    /** Of them, those that an earlier run had scored. */
    reused: count,
    seconds,
    pairsPerSecond: z.number().nonnegative().nullable(),
    /** To embed one text or image, and to compare it with the gallery. */
    prefilterMilliseconds: z.object({ 'text-to-image': z.number(), 'image-to-text': z.number() }).nullable(),
  }),
  /** Which image, by its place in the split, each query belongs to: the groups of a bootstrap. */
  queries: z.object({ 'text-to-image': z.array(count), 'image-to-text': z.array(count) }),
  notes: z.array(z.string()),
});

export type Ranking = z.infer<typeof ranking>;
export type Row = z.infer<typeof row>;
export type Difference = z.infer<typeof difference>;
export type Suggestion = z.infer<typeof suggestion>;
export type Histogram = z.infer<typeof histogram>;
export type RankedItem = z.infer<typeof item>;
export type WorstQuery = z.infer<typeof worstQuery>;
export type RetrievalResult = z.infer<typeof retrievalResult>;

/**
 * Reads what `eval --json` printed.
 *
 * @param name what it is called in an error
 * @throws PatchwordError SOURCE_INVALID
 */
export function parseResult(json: string, name: string): RetrievalResult {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new PatchwordError('SOURCE_INVALID', `${name} is not JSON.`, { hint: HINT, cause });
  }
  const { version } = (value ?? {}) as { version?: unknown };
  if (typeof version === 'number' && version !== RESULT_VERSION) {
    throw new PatchwordError(
      'SOURCE_INVALID',
      `${name} is of version ${version}; this Patchword reads version ${RESULT_VERSION}.`,
      { hint: 'Evaluate again with this version.' },
    );
  }
  const parsed = retrievalResult.safeParse(value);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw new PatchwordError(
    'SOURCE_INVALID',
    `${name} is not the result of an evaluation (${path.join('.') || 'whole'}: ${message}).`,
    { hint: HINT },
  );
}

const HINT = 'Give what patchword eval --json printed.';
