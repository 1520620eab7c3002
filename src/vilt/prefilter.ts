import { existsSync, readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { explainSystemError, messageOf, PatchwordError } from '../errors.js';
import { makeFolder } from '../folder.js';
import { hashFiles, type Checkpoint } from './checkpoint/checkpoint.js';
import { readSafetensors, writeSafetensors, type TensorData } from './checkpoint/safetensors.js';
import type { Tensor } from './checkpoint/tensor.js';
import type { ViltConfig } from './config.js';
import { featureWidth, POOLINGS, type Pooling } from './graph/encoder.js';

/** The ranks at which recall is told. */
export const RECALL_AT = [1, 5, 10, 32, 100] as const;

const percent = z.number().min(0).max(100);
const table = z.object({ '1': percent, '5': percent, '10': percent, '32': percent, '100': percent });
const recallSchema = z.object({ textToImage: table, imageToText: table });

/** Recall@k in percent, of texts that look for their image and of images that look for one of their texts. */
export type Recall = z.infer<typeof recallSchema>;

const count = z.number().int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const fitSchema = z.object({
  version: z.literal(1),
  method: z.literal('regularised canonical correlation analysis'),
  /** SHA-256 of the weights that it was fitted for. */
  model: sha256,
  /** SHA-256 of prefilter.safetensors. */
  weights: sha256,
  /** How many blocks of the encoder are run, and what is read after them. */
  layer: count.positive(),
  pooling: z.enum(POOLINGS),
  /** Added to the diagonal of both correlation matrices. */
  regularisation: z.number().positive(),
  /** Each dimension is scaled by its canonical correlation to this power. */
  power: z.number().nonnegative(),
  dimension: count.positive(),
  /** What it was fitted on; a pair is a picture and one of its captions. */
  pictures: count,
  pairs: count,
  /** What recall was measured on. */
  validation: z.object({ pictures: count, captions: count }),
  seed: count,
  /** SHA-256 of the pictures' contents and their captions. */
  data: sha256,
  /** What tells whether other pictures are among them: see prefilter/sketch.ts. Fits of earlier versions have none. */
  contents: z.string().optional(),
  /** Of the fit; of the cosine of the same features; of a fit on what goes into the encoder; and of a draw at random. */
  recall: recallSchema,
  unfitted: recallSchema,
  control: recallSchema,
  chance: recallSchema,
});

/** What prefilter.json says of a fit. */
export type Fit = z.infer<typeof fitSchema>;

/** Where the embeddings of a model come from: heads trained with the checkpoint, or fitted to it. */
export interface Prefilter {
  source: 'checkpoint' | 'fit';
  dimension: number;
  /** SHA-256 that a collection is bound to. */
  hash: string;
  layer: number;
  pooling: Pooling;
  /** The fit's own tensors; none where the checkpoint holds them. */
  tensors: ReadonlyMap<string, Tensor>;
  fit: Fit | null;
}

const WEIGHTS = 'prefilter.safetensors';
const RECORD = 'prefilter.json';
const IMAGE = 'prefilter.image_projection';
const TEXT = 'prefilter.text_projection';

interface Located {
  files: { folder: string; checkpoint: Checkpoint; config: ViltConfig; prefilter: boolean };
  /** Of the model's weights. */
  hash: string;
  cache: string;
}

/**
 * Where the embeddings of a model come from. The checkpoint's own heads win; then the fit beside it, then the one in the
 * cache. A fit for other weights, or a damaged one, is not used, and `refusal` says so in one line.
 */
export async function readPrefilter({
  files,
  hash,
  cache,
}: Located): Promise<{ prefilter: Prefilter | null; refusal: string | null }> {
  const { config, checkpoint } = files;
  if (files.prefilter) {
    const [dimension] = checkpoint.tensors.get(`${IMAGE}.weight`)!.shape;
    const own = { source: 'checkpoint', dimension, hash, layer: config.layers, pooling: 'first' } as const;
    return { prefilter: { ...own, tensors: new Map(), fit: null }, refusal: null };
  }
  let refusal: string | null = null;
  for (const folder of fitFolders(files.folder, hash, cache)) {
    if (!existsSync(path.join(folder, RECORD))) continue;
    try {
      return { prefilter: await readFit(folder, hash, config), refusal: null };
    } catch (error) {
      refusal ??= `The fit ${path.join(folder, RECORD)} is not used: ${messageOf(error)}`;
    }
  }
  return { prefilter: null, refusal };
}

/** A linear map of features into embeddings. */
export interface Projection {
  /** (dimension, features) */
  weight: Float32Array;
  /** (dimension) */
  bias: Float32Array;
}

/**
 * Writes prefilter.safetensors and prefilter.json beside a checkpoint, or in the cache where its folder cannot be written.
 *
 * @returns the folder
 * @throws PatchwordError DISK_FULL, READ_ONLY
 */
export async function writePrefilter(
  { files, hash, cache }: Located,
  fit: Omit<Fit, 'weights'>,
  projections: { image: Projection; text: Projection },
): Promise<string> {
  const tensors: TensorData[] = [[IMAGE, projections.image] as const, [TEXT, projections.text] as const].flatMap(
    ([name, { weight, bias }]) => [
      { name: `${name}.weight`, dtype: 'F32', shape: [bias.length, weight.length / bias.length], data: weight },
      { name: `${name}.bias`, dtype: 'F32', shape: [bias.length], data: bias },
    ],
  );
  const [beside, cached] = fitFolders(files.folder, hash, cache);
  try {
    await writeFiles(beside, fit, tensors);
    await rm(path.join(cached, RECORD), { force: true }); // an older fit
    return beside;
  } catch (error) {
    const readOnly = error instanceof PatchwordError && error.code === 'READ_ONLY';
    // A fit that cannot be replaced would still be read first.
    if (!readOnly || existsSync(path.join(beside, RECORD))) throw error;
    await writeFiles(cached, fit, tensors);
    return cached;
  }
}

async function writeFiles(folder: string, fit: Omit<Fit, 'weights'>, tensors: TensorData[]): Promise<void> {
  makeFolder(folder);
  const file = path.join(folder, WEIGHTS);
  await writeSafetensors(file, tensors);
  const record: Fit = { ...fit, weights: await hashFiles([file]) };
  const target = path.join(folder, RECORD);
  try {
    await writeFile(`${target}.part`, `${JSON.stringify(record, null, 1)}\n`);
    await rename(`${target}.part`, target);
  } catch (error) {
    throw explainSystemError(error, target);
  }
}

async function readFit(folder: string, hash: string, config: ViltConfig): Promise<Prefilter> {
  const parsed = fitSchema.safeParse(JSON.parse(readFileSync(path.join(folder, RECORD), 'utf8')));
  if (!parsed.success) {
    const [{ path: where, message }] = parsed.error.issues;
    throw new Error(`it is damaged, or of another version of Patchword (${where.join('.')}: ${message}).`);
  }
  const fit = parsed.data;
  if (fit.model !== hash) {
    throw new Error(`it was made for other weights (${fit.model.slice(0, 12)}, these are ${hash.slice(0, 12)}).`);
  }
  const file = path.join(folder, WEIGHTS);
  if ((await hashFiles([file])) !== fit.weights) throw new Error(`${WEIGHTS} is not the file that it was made with.`);
  const { tensors } = readSafetensors(file);
  const { layer, pooling, dimension } = fit;
  const features = featureWidth(config, pooling);
  const fits = [IMAGE, TEXT].every(
    (name) =>
      tensors.get(`${name}.weight`)?.shape.join() === `${dimension},${features}` &&
      tensors.get(`${name}.bias`)?.shape.join() === `${dimension}`,
  );
  if (!fits || layer > config.layers) throw new Error('its projections do not fit the model.');
  return { source: 'fit', dimension, hash: fit.weights, layer, pooling, tensors, fit };
}

/** Beside the checkpoint, and where fits go when its folder cannot be written. */
function fitFolders(folder: string, hash: string, cache: string): [string, string] {
  return [folder, path.join(cache, 'prefilters', hash)];
}
