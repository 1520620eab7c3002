import { setImmediate as breathe } from 'node:timers/promises';
import { PatchwordError } from '../errors.js';
import { POOLINGS, type Pooling } from '../vilt/graph/encoder.js';
import type { Projection } from '../vilt/prefilter.js';
import { canonicalCorrelation, type CanonicalProjection, type Views } from './cca.js';
import type { FeatureFiles } from './features.js';
import { MomentSums, type Moments } from './moments.js';
import { measureRecall, type Measured } from './recall.js';
import type { Split } from './validation.js';

/** Every layer and pooling is tried with the first; then every other with the best of them. */
const REGULARISATIONS = [0.1, 0.001, 0.01, 0.3, 1, 3];
const POWERS = [0, 0.5, 1, 2];

/** Another layer or pooling must gain this much (of mean reciprocal rank) over what is simpler to serve. */
const LEAST_GAIN = 0.005;

interface Settings {
  layer: number;
  pooling: Pooling;
  regularisation: number;
  power: number;
}

interface Candidate extends Settings, Measured {
  image: Projection;
  text: Projection;
}

export interface Selection {
  chosen: Candidate;
  /** The cosine of the same features, without a fit. */
  unfitted: Measured;
  /** The same fit without the encoder, on the mean of words and of patches as they go into it. */
  control: Measured;
}

/**
 * The settings that find the validation pictures best.
 *
 * @param layers those whose features are kept, in order; the first is the control
 * @throws PatchwordError SOURCE_INVALID where all features are constant; CANCELLED
 */
export async function choose(
  features: FeatureFiles,
  split: Split,
  { layers, dimension, signal }: { layers: readonly number[]; dimension: number; signal?: AbortSignal },
): Promise<Selection> {
  const [regularisation] = REGULARISATIONS;
  const bestOf = (candidates: readonly Candidate[]) =>
    candidates.reduce((a, b) => (b.meanReciprocalRank > a.meanReciprocalRank ? b : a));
  let best: { chosen: Candidate; views: LayerViews } | null = null;
  // The last layer first: where others gain nothing over it, one encoder serves searching and scoring.
  for (const layer of layers.slice(1).reverse()) {
    const views = await readLayer(features, split, layers.indexOf(layer));
    for (const pooling of POOLINGS) {
      await pause(signal);
      const chosen = bestOf(solve(views, split, { layer, pooling, regularisation, dimension }));
      const gain = chosen.meanReciprocalRank - (best?.chosen.meanReciprocalRank ?? -Infinity);
      if (gain > LEAST_GAIN) best = { chosen, views };
    }
  }
  const { layer, pooling } = best!.chosen;
  const tuned = await tune(best!.views, split, { layer, pooling, dimension }, signal);
  const embeddings = await readLayer(features, split, 0);
  return {
    chosen: bestOf(tuned),
    unfitted: measureRecall({ ...galleryOf(best!.views, pooling), relevance: split.relevance }),
    control: bestOf(await tune(embeddings, split, { layer: 0, pooling: 'mean', dimension }, signal)),
  };
}

async function tune(
  views: LayerViews,
  split: Split,
  settings: { layer: number; pooling: Pooling; dimension: number },
  signal: AbortSignal | undefined,
): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  for (const regularisation of REGULARISATIONS) {
    await pause(signal);
    candidates.push(...solve(views, split, { ...settings, regularisation }));
  }
  return candidates;
}

/** Lets other work of this thread run, and stops where the caller has gone away. */
async function pause(signal: AbortSignal | undefined): Promise<void> {
  await breathe();
  if (!signal?.aborted) return;
  throw new PatchwordError('CANCELLED', 'The fit was stopped; the features are kept.', {
    hint: 'Run the same command again to continue.',
  });
}

/** One layer: moments of the pairs to fit on, and the validation features themselves. */
interface LayerViews {
  /** Of image and text features side by side: (first, mean) of the one, (first, mean) of the other. */
  moments: Moments;
  hidden: number;
  images: Float32Array[];
  texts: Float32Array[];
}

async function readLayer(features: FeatureFiles, { validates }: Split, layer: number): Promise<LayerViews> {
  const images: Float32Array[] = [];
  const texts: Float32Array[] = [];
  let sums: MomentSums | null = null;
  let width = 0;
  for await (const block of features.blocks(layer)) {
    width = block.images[0].length;
    sums ??= new MomentSums(2 * width);
    const pairs: Float32Array[] = [];
    block.images.forEach((image, i) => {
      if (validates[block.from + i]) {
        images.push(image);
        texts.push(...block.texts[i]);
        return;
      }
      for (const text of block.texts[i]) {
        const pair = new Float32Array(2 * width);
        pair.set(image);
        pair.set(text, width);
        pairs.push(pair);
      }
    });
    sums.add(pairs);
    await breathe();
  }
  return { moments: sums!.moments(), hidden: width / 2, images, texts };
}

/** The columns of a pooling, in features of (first, mean). */
function columnsOf(pooling: Pooling, hidden: number): number[] {
  const from = pooling === 'mean' ? hidden : 0;
  return Array.from({ length: pooling === 'both' ? 2 * hidden : hidden }, (_, i) => from + i);
}

/** One analysis, measured with its dimensions scaled in several ways. */
function solve(
  { moments, hidden, images, texts }: LayerViews,
  { relevance }: Split,
  { layer, pooling, regularisation, dimension }: Omit<Settings, 'power'> & { dimension: number },
): Candidate[] {
  const columns = columnsOf(pooling, hidden);
  const views: Views = { moments, first: columns, second: columns.map((column) => column + 2 * hidden) };
  const { correlations, first, second } = canonicalCorrelation(views, { dimension, regularisation });
  if (correlations.length === 0) {
    throw new PatchwordError(
      'SOURCE_INVALID',
      'The pictures or the captions give constant features: nothing tells them apart.',
    );
  }
  return POWERS.map((power) => {
    const [image, text] = [first, second].map((view) => scaled(view, correlations, power));
    const gallery = {
      images: images.map((row) => embed(row, columns, image)),
      texts: texts.map((row) => embed(row, columns, text)),
      relevance,
    };
    return { layer, pooling, regularisation, power, image, text, ...measureRecall(gallery) };
  });
}

function scaled({ weight, bias }: CanonicalProjection, correlations: Float64Array, power: number): Projection {
  const features = weight.length / bias.length;
  return {
    weight: Float32Array.from(weight, (value, i) => value * correlations[Math.floor(i / features)] ** power),
    bias: Float32Array.from(bias, (value, d) => value * correlations[d] ** power),
  };
}

function galleryOf({ images, texts, hidden }: LayerViews, pooling: Pooling) {
  const columns = columnsOf(pooling, hidden);
  const pick = (row: Float32Array) => normalized(Float32Array.from(columns, (column) => row[column]));
  return { images: images.map(pick), texts: texts.map(pick) };
}

function embed(row: Float32Array, columns: readonly number[], { weight, bias }: Projection): Float32Array {
  const embedding = Float32Array.from(bias);
  for (let d = 0; d < bias.length; d++) {
    let sum = bias[d];
    for (let i = 0; i < columns.length; i++) sum += weight[d * columns.length + i] * row[columns[i]];
    embedding[d] = sum;
  }
  return normalized(embedding);
}

function normalized(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length > 0 ? vector.map((value) => value / length) : vector;
}
