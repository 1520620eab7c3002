import { createHash } from 'node:crypto';
import { cacheFolder } from '../paths.js';
import { readCalibration, type Calibration } from './calibration.js';
import { hashFiles } from './checkpoint/checkpoint.js';
import type { Head } from './checkpoint/schema.js';
import { readModel, type ModelFiles } from './files.js';
import type { Pooling } from './graph/encoder.js';
import { isPlaceholder } from './config.js';
import { readPrefilter, type Prefilter, type Recall } from './prefilter.js';
import type { Device, Precision } from './device.js';
import { readDefinition, type Definition } from './vocabulary.js';

export interface PrefilterInfo {
  /** Trained with the checkpoint, or made by `patchword fit`. */
  source: 'checkpoint' | 'fit';
  dimension: number;
  /** SHA-256 that a collection is bound to. */
  hash: string;
  /** Which states are projected: after so many blocks, pooled so. */
  layer: number;
  pooling: Pooling;
  /** Of a fit: what it was fitted on, and its recall (percent) on pictures that it was not fitted on. */
  pairs?: number;
  validation?: { pictures: number; captions: number };
  recall?: Recall;
}

/** What a user wants to know of a model. */
export interface ModelInfo {
  folder: string;
  /** Weight files, and their SHA-256 (hex). */
  weights: string[];
  hash: string;
  /** SHA-256 of what else its scores depend on: the configuration, how texts are tokenized and pictures are prepared. */
  settings: string;
  format: 'safetensors' | 'pytorch' | 'original';
  config: {
    hiddenSize: number;
    layers: number;
    heads: number;
    patchSize: number;
    imageSize: number;
    shortestEdge: number;
    sizeDivisor: number;
    vocabularySize: number;
    maxTextLength: number;
    /** Outputs of the classifier that have names: answers, for VQAv2. */
    labels: number;
  };
  parameters: number;
  heads: Head[];
  /** Where embeddings come from; null where the model has none. */
  prefilter: PrefilterInfo | null;
  /** What makes matchProbability; null where the model has none. */
  calibration: Calibration | null;
  /** The device in use, which is not the one asked for where that is not there. */
  device: Exclude<Device, 'auto'>;
  precision: Precision;
  /** Lines worth telling the user: a device that fell back, say. */
  notes: string[];
}

/**
 * Describes a model without loading it.
 *
 * @throws PatchwordError MODEL_NOT_FOUND, MODEL_INCOMPLETE, MODEL_UNSUPPORTED
 */
export async function inspectModel(model: string, { cache = cacheFolder() } = {}): Promise<ModelInfo> {
  const files = await readModel(model);
  const hash = await hashFiles(files.checkpoint.files);
  const { prefilter, refusal } = await readPrefilter({ files, hash, cache });
  const info = describeModel({ files, hash, prefilter, cache });
  return { ...info, notes: refusal === null ? info.notes : [refusal, ...info.notes] };
}

export function describeModel(model: {
  files: ModelFiles;
  hash: string;
  prefilter: Prefilter | null;
  cache?: string;
}): ModelInfo {
  const { files, hash, prefilter, cache = cacheFolder() } = model;
  const { folder, checkpoint, config, imageConfig, heads } = files;
  const { tensors } = checkpoint;
  const prefilterHash = prefilter?.hash ?? null;
  const { calibration, refusal } = readCalibration({ folder, hash, cache, prefilterHash });
  return {
    folder,
    weights: checkpoint.files,
    hash,
    settings: hashSettings(files),
    format: checkpoint.format,
    config: {
      hiddenSize: config.hiddenSize,
      layers: config.layers,
      heads: config.heads,
      patchSize: config.patchSize,
      imageSize: config.imageSize,
      shortestEdge: imageConfig.shortestEdge,
      sizeDivisor: imageConfig.sizeDivisor,
      vocabularySize: config.vocabularySize,
      maxTextLength: config.maxTextLength,
      labels: config.labels.filter((label) => !isPlaceholder(label)).length,
    },
    parameters: [...tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    heads,
    prefilter: prefilter && describePrefilter(prefilter),
    calibration,
    device: 'cpu',
    precision: 'fp32',
    notes: refusal === null ? [] : [refusal],
  };
}

function hashSettings({ folder, config, imageConfig }: ModelFiles): string {
  return createHash('sha256')
    .update(JSON.stringify([{ ...config, architecture: null, labels: null }, imageConfig, definitionOf(folder)]))
    .digest('hex');
}

/** Null where it cannot be read: whoever needs it is told so. */
function definitionOf(folder: string): Definition | null {
  try {
    return readDefinition(folder).definition;
  } catch {
    return null;
  }
}

function describePrefilter({ source, dimension, hash, layer, pooling, fit }: Prefilter): PrefilterInfo {
  const measured = fit && { pairs: fit.pairs, validation: fit.validation, recall: fit.recall };
  return { source, dimension, hash, layer, pooling, ...measured };
}
