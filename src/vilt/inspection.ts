import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { PatchwordError } from '../errors.js';
import { hashFiles } from './checkpoint/checkpoint.js';
import type { Head } from './checkpoint/schema.js';
import { readModel, type ModelFiles } from './model.js';
import type { Precision } from './graph/builder.js';
import type { Device } from './session.js';

/** matchProbability = 1 / (1 + exp(-(matchScore · m + similarity · s + bias))) */
export interface Calibration {
  matchScore: number;
  similarity: number;
  bias: number;
}

/** What a user wants to know of a model. */
export interface ModelInfo {
  folder: string;
  /** Weight files, and their SHA-256 (hex). */
  weights: string[];
  hash: string;
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
  };
  parameters: number;
  heads: Head[];
  /** Where embeddings come from, and the hash that a collection is bound to; null where the model has none. */
  prefilter: { source: 'checkpoint'; dimension: number; hash: string } | null;
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
export async function inspectModel(model: string): Promise<ModelInfo> {
  const files = await readModel(model);
  return describeModel(files, await hashFiles(files.checkpoint.files));
}

export function describeModel(files: ModelFiles, hash: string): ModelInfo {
  const { folder, checkpoint, config, imageConfig, heads } = files;
  const { tensors } = checkpoint;
  const projection = tensors.get('prefilter.image_projection.weight');
  return {
    folder,
    weights: checkpoint.files,
    hash,
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
    },
    parameters: [...tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    heads,
    prefilter: projection ? { source: 'checkpoint', dimension: projection.shape[0], hash } : null,
    calibration: readCalibration(folder),
    device: 'cpu',
    precision: 'fp32',
    notes: [],
  };
}

const calibrationSchema = z.object({
  calibration: z.object({ matchScore: z.number(), similarity: z.number(), bias: z.number() }).nullish(),
});

/** From patchword.json beside the model. */
function readCalibration(folder: string): Calibration | null {
  const file = path.join(folder, 'patchword.json');
  if (!existsSync(file)) return null;
  try {
    return calibrationSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).calibration ?? null;
  } catch (cause) {
    throw new PatchwordError(
      'MODEL_INCOMPLETE',
      `${file} should hold {"calibration": {"matchScore", "similarity", "bias"}} in numbers.`,
      { hint: 'Mend the file, or remove it to go on without match probabilities.', cause },
    );
  }
}
