import { PatchwordError } from '../errors.js';
import { cosineCost, DISTANCE_STEPS, heatmaps, HEATMAP_STEPS, ipot, transportDistance } from './alignment.js';
import { CHOICES, type Choice } from './choice.js';
import { isPlaceholder } from './config.js';
import type { Head } from './checkpoint/schema.js';
import type { ModelInput } from './image.js';
import type { ViltModel } from './model.js';
import type { Grid } from './position.js';
import { pairStates, type Pair } from './pair.js';

/** Which patches each word is transported to (paper, 4.7). */
export interface Explanation {
  /** Word pieces, without [CLS] and the last [SEP]. */
  tokens: string[];
  grid: Grid;
  /** One a token, (rows · columns): transported mass, z-normalised and clamped to [1, 3]. */
  heatmaps: Float32Array[];
  /** Optimal-transport distance between words and patches. */
  distance: number;
}

const NLVR2_LABELS = ['False', 'True'];

/**
 * Word-patch alignment of one pair: final text states without [CLS] and the last [SEP], final patch states without the
 * image's [CLS], and the optimal transport between them (paper, 4.7).
 */
export async function explain(model: ViltModel, pair: Pair): Promise<Explanation> {
  const { tokens, grid, plan, distance } = await align(model, pair);
  return { tokens, grid, heatmaps: heatmaps(plan, grid.rows * grid.columns), distance };
}

/** What `explain` shows, before it is made to be looked at. */
export interface Alignment extends Omit<Explanation, 'heatmaps'> {
  /** Transported mass, (tokens, rows · columns); it sums to 1. */
  plan: Float64Array;
}

export async function align(model: ViltModel, pair: Pair): Promise<Alignment> {
  const { hiddenSize: hidden } = model.files.config;
  const grid = model.grid(pair.image);
  const patches = grid.rows * grid.columns;
  const { data, encoding } = await pairStates(model, pair, { keep: 'all' }); // (1, tokens + 1 + patches, hidden)
  const words = encoding.ids.length - 2;
  const rows = (from: number, count: number) => data.subarray(from * hidden, (from + count) * hidden);
  const cost = cosineCost({ text: rows(1, words), patches: rows(words + 3, patches), hidden }); // (words, patches)
  const distance = transportDistance(cost, ipot({ cost, words, patches, steps: DISTANCE_STEPS }));
  const plan = ipot({ cost, words, patches, steps: HEATMAP_STEPS });
  return { tokens: encoding.tokens.slice(1, -1), grid, plan, distance };
}

/** Visual question answering: each answer's own probability (the head is trained with binary cross-entropy), best first. */
export async function answer(model: ViltModel, pair: Pair): Promise<Choice[]> {
  requireHead(model, 'vqa', 'answer questions', 'dandelin/vilt-b32-finetuned-vqa');
  const states = await pairStates(model, pair, { keep: 'first' });
  const { data } = await model.head('vqa', states.data); // (1, labels)
  return best(
    data.map((logit) => 1 / (1 + Math.exp(-logit))),
    (i) => labelOf(model, i),
  );
}

/** Whether a statement is true of two images (NLVR2): two joint passes, their pooled states side by side. */
export async function compare(
  model: ViltModel,
  text: string,
  images: readonly [ModelInput, ModelInput],
): Promise<Choice[]> {
  requireHead(model, 'nlvr2', 'compare images', 'dandelin/vilt-b32-finetuned-nlvr2');
  const { hiddenSize } = model.files.config;
  const states = new Float32Array(2 * hiddenSize); // (2, hidden)
  for (const [i, image] of images.entries()) {
    const { data } = await pairStates(model, { text, image }, { keep: 'first', modality: 1 + i });
    states.set(data, i * hiddenSize);
  }
  const { data } = await model.head('nlvr2', states); // (1, 2)
  const isNamed = model.files.config.labels.some((label) => !isPlaceholder(label));
  return best(softmax(data), (i) => (isNamed ? labelOf(model, i) : NLVR2_LABELS[i]));
}

/**
 * Masked words: the most probable word pieces for each [MASK], best first.
 *
 * @throws PatchwordError INVALID_ARGUMENT without a [MASK]
 */
export async function fill(model: ViltModel, pair: Pair): Promise<Choice[][]> {
  requireHead(model, 'mlm', 'fill masks', 'dandelin/vilt-b32-mlm');
  const { tokenizer } = model;
  const { hiddenSize } = model.files.config;
  const states = await pairStates(model, pair, { keep: 'text' });
  const masks = states.encoding.ids.flatMap((id, i) => (id === tokenizer.maskId ? [i] : []));
  if (masks.length === 0) {
    if (tokenizer.maskId === undefined) {
      const lacks = `The vocabulary of ${model.files.folder} has no [MASK], so it cannot fill masks.`;
      throw new PatchwordError('HEAD_MISSING', lacks, {
        hint: 'Use a checkpoint that has it, such as dandelin/vilt-b32-mlm.',
      });
    }
    if (states.encoding.truncated && pair.text.includes('[MASK]')) {
      const { maxTextLength } = model.files.config;
      const beyond = `The [MASK] stands beyond the ${maxTextLength} tokens that the model reads. Write a shorter text.`;
      throw new PatchwordError('INVALID_ARGUMENT', beyond);
    }
    throw new PatchwordError('INVALID_ARGUMENT', 'The text has no [MASK] to fill. Write it where a word is missing.', {
      hint: 'For example: "a [MASK] on a table".',
    });
  }
  const rows = new Float32Array(masks.length * hiddenSize); // (masks, hidden)
  masks.forEach((at, i) => rows.set(states.data.subarray(at * hiddenSize, (at + 1) * hiddenSize), i * hiddenSize));
  const { data, dims } = await model.head('mlm', rows); // (masks, vocabulary)
  return masks.map((_, i) => best(softmax(data.subarray(i * dims[1], (i + 1) * dims[1])), (id) => tokenizer.token(id)));
}

function requireHead(model: ViltModel, head: Head, verb: string, example: string): void {
  const { heads, folder } = model.files;
  if (heads.includes(head)) return;
  const has = heads.length > 0 ? `it has ${heads.join(', ')}` : 'it has none';
  throw new PatchwordError(
    'HEAD_MISSING',
    `${folder} cannot ${verb}: it lacks the ${head.toUpperCase()} head (${has}).`,
    {
      hint: `Use a checkpoint that has it, such as ${example}.`,
    },
  );
}

function labelOf(model: ViltModel, i: number): string {
  return model.files.config.labels[i] ?? `label ${i}`;
}

function best(probabilities: Float32Array, label: (i: number) => string): Choice[] {
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a] || a - b);
  return order.slice(0, CHOICES).map((i) => ({ label: label(i), probability: probabilities[i] }));
}

function softmax(logits: Float32Array): Float32Array {
  const highest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const exps = logits.map((logit) => Math.exp(logit - highest));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((value) => value / sum);
}
