import { PatchwordError } from '../errors.js';
import { prefilterMissing } from './checkpoint/schema.js';
import { featureWidth } from './graph/encoder.js';
import type { Encoding } from './tokenizer.js';
import type { ModelInput } from './image.js';
import type { Batch, States, ViltModel } from './model.js';
import type { Prefilter } from './prefilter.js';

/** One text and one image, to be read together. */
export interface Pair {
  text: string;
  image: ModelInput;
}

/** Positions that one pass holds at most: more would only cost memory and make cancelling slower. */
const POSITIONS_A_PASS = 2048;

/**
 * Token ids of a text, cut at the model's length.
 *
 * @throws PatchwordError EMPTY_TEXT
 */
export function encodeText(model: ViltModel, text: string): Encoding {
  const encoding = model.tokenizer.encode(text, { maxLength: model.files.config.maxTextLength });
  if (encoding.ids.length > 2) return encoding;
  throw new PatchwordError('EMPTY_TEXT', 'The text has no words. Give at least one.');
}

/** Unimodal text passes: what the prefilter reads of them, projected to unit length. One row (dimension) a text. */
export async function embedTexts(
  model: ViltModel,
  texts: readonly string[],
): Promise<{ embedding: Float32Array; truncated: boolean }[]> {
  const prefilter = requirePrefilter(model);
  const encodings = texts.map((text) => encodeText(model, text));
  const rows = await eachText(encodings, (batch) => embed(model, prefilter, batch, 'textProjection'));
  return encodings.map(({ truncated }, i) => ({ embedding: rows[i], truncated }));
}

/** Unimodal image passes, as for texts. */
export async function embedImages(model: ViltModel, images: readonly ModelInput[]): Promise<Float32Array[]> {
  const prefilter = requirePrefilter(model);
  return eachImage(model, images, (batch) => embed(model, prefilter, batch, 'imageProjection'));
}

/** Unimodal text passes: what a prefilter may be fitted on. One row (candidate layers · 2 · hidden) a text. */
export async function textFeatures(model: ViltModel, texts: readonly string[]): Promise<Float32Array[]> {
  const encodings = texts.map((text) => encodeText(model, text));
  return eachText(encodings, (batch) => model.layerFeatures(batch));
}

/** Unimodal image passes, as for texts. */
export async function imageFeatures(model: ViltModel, images: readonly ModelInput[]): Promise<Float32Array[]> {
  return eachImage(model, images, (batch) => model.layerFeatures(batch));
}

/**
 * Joint passes: the raw rank logit of each pair, or the ITM head's "match" logit where there is no rank head.
 *
 * @throws PatchwordError HEAD_MISSING with neither
 */
export async function matchScores(model: ViltModel, pairs: readonly Pair[]): Promise<Float32Array> {
  const head = matchHead(model);
  const scores = new Float32Array(pairs.length);
  const encodings = new Map(pairs.map(({ text }) => [text, encodeText(model, text)]));
  for (const group of groupBySize(pairs.map(({ image }) => image))) {
    const longest = Math.max(...group.map((i) => encodings.get(pairs[i].text)!.ids.length));
    for (const part of chunks(group, longest + patches(model, pairs[group[0]].image) + 1)) {
      const states = await model.pass(
        shared(
          part.map((i) => pairs[i]),
          encodings,
        ),
        'first',
      );
      const { data, dims } = await model.head(head, states.data);
      part.forEach((i, row) => (scores[i] = data[(row + 1) * dims[1] - 1])); // the last column is "match" for both heads
    }
  }
  return scores;
}

/** Which head gives the match score. */
export function matchHead(model: ViltModel): 'rank' | 'itm' {
  const { heads, folder } = model.files;
  if (heads.includes('rank')) return 'rank';
  if (heads.includes('itm')) return 'itm';
  throw new PatchwordError('HEAD_MISSING', `${folder} has neither a rank nor an ITM head, so it cannot score pairs.`, {
    hint: 'Use a checkpoint fine-tuned for retrieval, such as dandelin/vilt-b32-finetuned-coco.',
  });
}

/** The states of one pair. */
export async function pairStates(
  model: ViltModel,
  pair: Pair,
  options: { keep: 'first' | 'text' | 'all'; modality?: number },
): Promise<States & { encoding: Encoding }> {
  const encoding = encodeText(model, pair.text);
  const batch = { texts: [encoding], images: [pair.image], modality: options.modality };
  const states = await model.pass(batch, options.keep);
  return { ...states, encoding };
}

/** One text against many images, or the reverse, embeds the one only once. */
function shared(pairs: readonly Pair[], encodings: ReadonlyMap<string, Encoding>) {
  const oneText = pairs.every(({ text }) => text === pairs[0].text);
  const oneImage = pairs.every(({ image }) => image === pairs[0].image);
  return {
    texts: (oneText ? pairs.slice(0, 1) : pairs).map(({ text }) => encodings.get(text)!),
    images: (oneImage && !oneText ? pairs.slice(0, 1) : pairs).map(({ image }) => image),
  };
}

async function embed(
  model: ViltModel,
  prefilter: Prefilter,
  batch: Batch,
  projection: 'imageProjection' | 'textProjection',
): Promise<Float32Array> {
  const features = await model.prefilterFeatures(batch, prefilter);
  const width = featureWidth(model.files.config, prefilter.pooling);
  return (await model.head(projection, features, width)).data;
}

/** Runs texts through passes of like length, so that little of them is padding. `run` gives one row a text. */
async function eachText(
  encodings: readonly Encoding[],
  run: (batch: Batch) => Promise<Float32Array>,
): Promise<Float32Array[]> {
  const order = [...encodings.keys()].sort((a, b) => encodings[a].ids.length - encodings[b].ids.length);
  const rows = new Array<Float32Array>(encodings.length);
  for (const part of chunks(order, encodings[order.at(-1) ?? 0]?.ids.length ?? 1)) {
    const data = await run({ texts: part.map((i) => encodings[i]) });
    part.forEach((i, row) => (rows[i] = rowOf(data, row, part.length)));
  }
  return rows;
}

/** Runs images through passes of one size each. `run` gives one row an image. */
async function eachImage(
  model: ViltModel,
  images: readonly ModelInput[],
  run: (batch: Batch) => Promise<Float32Array>,
): Promise<Float32Array[]> {
  const rows = new Array<Float32Array>(images.length);
  for (const group of groupBySize(images)) {
    for (const part of chunks(group, patches(model, images[group[0]]) + 1)) {
      const data = await run({ images: part.map((i) => images[i]) });
      part.forEach((i, row) => (rows[i] = rowOf(data, row, part.length)));
    }
  }
  return rows;
}

/** @throws PatchwordError PREFILTER_MISSING */
function requirePrefilter(model: ViltModel): Prefilter {
  if (model.prefilter) return model.prefilter;
  throw prefilterMissing(model.files.folder);
}

function patches(model: ViltModel, image: ModelInput): number {
  const { rows, columns } = model.grid(image);
  return rows * columns;
}

/** Indices of the images of each size: one pass holds one size, since nothing is ever padded. */
function groupBySize(images: readonly ModelInput[]): number[][] {
  const groups = new Map<string, number[]>();
  images.forEach(({ width, height }, i) => {
    const key = `${width}x${height}`;
    groups.set(key, [...(groups.get(key) ?? []), i]);
  });
  return [...groups.values()];
}

/** Parts small enough for one pass of sequences of this length. */
function* chunks<T>(items: readonly T[], sequence: number): Generator<T[]> {
  const size = Math.max(1, Math.floor(POSITIONS_A_PASS / sequence));
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}

function rowOf(data: Float32Array, row: number, rows: number): Float32Array {
  const width = data.length / rows;
  return data.slice(row * width, (row + 1) * width);
}
