import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { PatchwordError } from '../errors.js';
import { readSafetensors } from './checkpoint/safetensors.js';
import { readTensor } from './checkpoint/tensor.js';
import type { ViltConfig } from './config.js';
import { ViltModel, type TextInput } from './model.js';
import type { HeadGraph } from './graph/head.js';
import type { PixelValues } from './pixel.js';
import type { Device, Precision } from './device.js';

export interface VerificationOptions {
  /** A model folder, or a weight file. */
  model: string;
  /** A safetensors file of one case, or a folder of them. */
  cases: string;
  /** The largest difference that passes. */
  tolerance?: number;
  device?: Device;
  precision?: Precision;
  /** Default: the user's cache. */
  cache?: string;
}

export const VERIFICATION_TOLERANCE = 1e-3;

export interface CaseResult {
  name: string;
  /** Largest |difference| of each output. */
  outputs: Record<string, number>;
  largest: number;
  passed: boolean;
}

/** An array with its shape, as the reference wrote it. */
interface Golden {
  shape: readonly number[];
  data: Float32Array;
}

const INPUTS = ['input_ids', 'attention_mask', 'pixel_values', 'pixel_mask'];
const OUTPUTS = ['logits', 'pooler_output', 'cls_hidden', 'text_hidden'];

/**
 * Runs cases of the reference implementation, tensors named `in.*` and `out.*`, and compares.
 *
 * The reference pads the pictures of a batch. Patchword never does: each picture runs at its own grid, which its
 * pixel mask tells, and must give the same.
 *
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID for a case that cannot be understood, and what opening a model throws
 */
export async function verifyModel(
  options: VerificationOptions,
): Promise<{ cases: CaseResult[]; notes: readonly string[] }> {
  const files = caseFiles(options.cases);
  const model = await ViltModel.open(options);
  try {
    const cases: CaseResult[] = [];
    for (const file of files) {
      const outputs = await differences(model, readCase(file, model.files.config));
      const largest = Math.max(...Object.values(outputs));
      const passed = largest <= (options.tolerance ?? VERIFICATION_TOLERANCE);
      cases.push({ name: path.basename(file, '.safetensors'), outputs, largest, passed });
    }
    return { cases, notes: model.notes };
  } finally {
    await model.close();
  }
}

function caseFiles(location: string): string[] {
  const found = statSync(location, { throwIfNoEntry: false });
  if (!found) throw new PatchwordError('FILE_NOT_FOUND', `There are no cases at ${location}.`);
  if (!found.isDirectory()) return [location];
  const names = readdirSync(location).filter((name) => name.endsWith('.safetensors'));
  if (names.length > 0) return names.sort().map((name) => path.join(location, name));
  throw new PatchwordError('FILE_NOT_FOUND', `${location} holds no .safetensors files to verify with.`);
}

function readCase(file: string, config: ViltConfig): Map<string, Golden> {
  const golden = new Map<string, Golden>();
  for (const [name, tensor] of readSafetensors(file).tensors) {
    golden.set(name, { shape: tensor.shape, data: readTensor(tensor) });
  }
  const problem = problemOf(golden, config);
  if (problem === null) return golden;
  throw new PatchwordError('SOURCE_INVALID', `${file} is not a case of this model: ${problem}.`, {
    hint: `A case has in.input_ids, in.pixel_values, their masks, and some of ${OUTPUTS.map((name) => `out.${name}`).join(', ')}.`,
  });
}

/** Why tensors are not a case of the model; null where they are. */
function problemOf(golden: ReadonlyMap<string, Golden>, config: ViltConfig): string | null {
  const known = new Set([...INPUTS.map((name) => `in.${name}`), ...OUTPUTS.map((name) => `out.${name}`)]);
  const unknown = [...golden.keys()].filter((name) => !known.has(name));
  const missing = ['in.input_ids', 'in.pixel_values'].filter((name) => !golden.has(name));
  if (missing.length > 0) return `missing ${missing.join(', ')}`;
  if (unknown.length > 0) return `not known ${unknown.slice(0, 5).join(', ')}${unknown.length > 5 ? ', …' : ''}`;
  if (!OUTPUTS.some((name) => golden.has(`out.${name}`))) return 'it has no output to compare with';

  const ids = golden.get('in.input_ids')!;
  const pixels = golden.get('in.pixel_values')!;
  const [batch, tokens] = ids.shape;
  if (ids.shape.length !== 2 || batch === 0)
    return `in.input_ids is (${ids.shape.join(', ')}), expected (batch, tokens)`;
  if (tokens > config.maxTextLength) return `its texts have ${tokens} tokens, the model reads ${config.maxTextLength}`;
  const strange = ids.data.find((id) => id < 0 || id >= config.vocabularySize);
  if (strange !== undefined) return `it has token ${strange}, the model knows only ${config.vocabularySize}`;
  const [channels, height, width] = pixels.shape.slice(-3);
  if (![4, 5].includes(pixels.shape.length) || channels !== config.channels) {
    return `in.pixel_values is (${pixels.shape.join(', ')}), expected (batch, ${config.channels}, height, width), for NLVR2 (batch, 2, …)`;
  }
  if (Math.min(height, width) < config.patchSize)
    return `its pictures are smaller than a patch, ${config.patchSize} pixels`;
  const mask = golden.get('in.pixel_mask');
  if (mask && mask.data.length * channels !== pixels.data.length)
    return 'in.pixel_mask is not of the size of in.pixel_values';
  if (mask && mask.data.every((kept) => kept === 0)) return 'in.pixel_mask keeps nothing';
  const textMask = golden.get('in.attention_mask');
  if (textMask && textMask.data.length !== ids.data.length)
    return 'in.attention_mask is not of the size of in.input_ids';
  const other = [...golden].find(([, { shape }]) => shape[0] !== batch);
  return other ? `${other[0]} is not of the batch of ${batch}` : null;
}

/** Row by row, since the rows of a padded batch have grids of their own. */
async function differences(model: ViltModel, golden: ReadonlyMap<string, Golden>): Promise<Record<string, number>> {
  const largest: Record<string, number> = {};
  const batch = golden.get('in.input_ids')!.shape[0];
  for (let row = 0; row < batch; row++) {
    for (const [name, value] of await computeRow(model, golden, row)) {
      const expected = golden.get(`out.${name}`);
      if (!expected) continue;
      largest[name] = Math.max(largest[name] ?? 0, largestDifference(value, rowOf(expected, row)));
    }
  }
  return largest;
}

async function computeRow(model: ViltModel, golden: ReadonlyMap<string, Golden>, row: number) {
  const { hiddenSize: hidden } = model.files.config;
  const mask = golden.get('in.attention_mask');
  const text: TextInput = {
    ids: [...rowOf(golden.get('in.input_ids')!, row)],
    mask: mask && [...rowOf(mask, row)],
  };
  const values = new Map<string, Float32Array>();
  const images = picturesOf(golden, row, model.files.config.patchSize);
  const first = new Float32Array(images.length * hidden); // (images, hidden)
  for (const [i, image] of images.entries()) {
    const states = await model.pass({ texts: [text], images: [image], modality: 1 + i }, 'text');
    first.set(states.data.subarray(0, hidden), i * hidden);
    if (i === 0) values.set('text_hidden', states.data).set('cls_hidden', states.data.slice(0, hidden));
  }
  values.set('pooler_output', (await model.head('pooler', first)).data.slice(0, hidden));
  if (golden.has('out.logits')) {
    const head = headFor(model, golden.get('out.logits')!.shape);
    values.set('logits', (await model.head(head, head === 'mlm' ? values.get('text_hidden')! : first)).data);
  }
  return values;
}

/** The head that gives logits of this shape: checkpoints may hold several. */
function headFor(model: ViltModel, shape: readonly number[]): HeadGraph {
  const { heads, folder } = model.files;
  const width = shape.at(-1);
  const fits = heads.filter((head) => {
    if (head === 'mlm') return shape.length === 3;
    if (head === 'rank') return width === 1;
    return shape.length === 2 && width !== 1;
  });
  // A classifier is a fine-tuned checkpoint's reason to exist; an ITM head beside it is a leftover.
  const head = fits.find((name) => name === 'vqa' || name === 'nlvr2') ?? fits[0];
  if (head) return head;
  throw new PatchwordError(
    'HEAD_MISSING',
    `The case expects logits of shape (${shape.join(', ')}), but ${folder} has ${heads.join(', ') || 'no heads'}.`,
  );
}

/** The pictures of one row, each cut to the patches that its mask keeps: one, or two for NLVR2. */
function picturesOf(golden: ReadonlyMap<string, Golden>, row: number, patchSize: number): PixelValues[] {
  const values = golden.get('in.pixel_values')!;
  const mask = golden.get('in.pixel_mask');
  const [channels, height, width] = values.shape.slice(-3);
  const count = values.shape.length === 5 ? values.shape[1] : 1;
  const pixels = rowOf(values, row);
  const masks = mask && rowOf(mask, row);
  return Array.from({ length: count }, (_, i) => {
    const own = pixels.subarray(i * channels * height * width, (i + 1) * channels * height * width);
    const ownMask = masks?.subarray(i * height * width, (i + 1) * height * width);
    const kept = keptSize(ownMask, { height, width }, patchSize);
    return { ...kept, pixels: crop(own, { channels, height, width }, kept) };
  });
}

/** How much of a padded picture is picture: the patches whose corner the mask keeps (transformers, visual_embed). */
function keptSize(mask: Float32Array | undefined, size: { height: number; width: number }, patchSize: number) {
  const rows = Math.floor(size.height / patchSize);
  const columns = Math.floor(size.width / patchSize);
  if (!mask) return { height: rows * patchSize, width: columns * patchSize };
  const keeps = (y: number, x: number) =>
    mask[Math.floor((y * size.height) / rows) * size.width + Math.floor((x * size.width) / columns)] !== 0;
  const count = (length: number, kept: (i: number) => boolean) =>
    Array.from({ length }, (_, i) => i).filter(kept).length;
  return { height: count(rows, (y) => keeps(y, 0)) * patchSize, width: count(columns, (x) => keeps(0, x)) * patchSize };
}

function crop(
  pixels: Float32Array,
  from: { channels: number; height: number; width: number },
  to: { height: number; width: number },
): Float32Array {
  const out = new Float32Array(from.channels * to.height * to.width); // (channels, height, width)
  for (let channel = 0; channel < from.channels; channel++) {
    for (let y = 0; y < to.height; y++) {
      const start = (channel * from.height + y) * from.width;
      out.set(pixels.subarray(start, start + to.width), (channel * to.height + y) * to.width);
    }
  }
  return out;
}

function rowOf({ shape, data }: Golden, row: number): Float32Array {
  const length = data.length / shape[0];
  return data.subarray(row * length, (row + 1) * length);
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
  }
  return largest;
}
