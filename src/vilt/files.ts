import { existsSync } from 'node:fs';
import path from 'node:path';
import { PatchwordError } from '../errors.js';
import { openCheckpoint, type Checkpoint } from './checkpoint/checkpoint.js';
import { checkShapes, hasPrefilter, headsOf, type Head } from './checkpoint/schema.js';
import { inferConfig, readConfig, readImageConfig, type ImageConfig, type ViltConfig } from './config.js';

/** A checkpoint on disk, understood but not loaded. */
export interface ModelFiles {
  folder: string;
  checkpoint: Checkpoint;
  config: ViltConfig;
  imageConfig: ImageConfig;
  heads: Head[];
  /** Whether the checkpoint itself holds projections into embeddings. */
  prefilter: boolean;
}

/**
 * Reads and checks everything about a checkpoint but its weights.
 *
 * @throws PatchwordError MODEL_NOT_FOUND, MODEL_INCOMPLETE (one error that lists every tensor), MODEL_UNSUPPORTED
 */
export async function readModel(location: string): Promise<ModelFiles> {
  const configFile = path.join(location, 'config.json');
  if (existsSync(configFile)) readConfig(configFile); // says "not a ViLT" before it says "no weights"
  const checkpoint = await openCheckpoint(location);
  const { folder, tensors, format } = checkpoint;
  const shapes = new Map([...tensors].map(([name, tensor]) => [name, tensor.shape]));
  const file = path.join(folder, 'config.json');
  if (!existsSync(file) && format !== 'original') {
    throw new PatchwordError('MODEL_INCOMPLETE', `${folder} has weights but no config.json.`, {
      hint: 'Copy config.json from where the checkpoint came from.',
    });
  }
  const config = existsSync(file) ? readConfig(file) : inferConfig(shapes);
  checkShapes(shapes, config, checkpoint.files.join(', '));
  return {
    folder,
    checkpoint,
    config,
    imageConfig: readImageConfig(folder, config),
    heads: headsOf(shapes, config),
    prefilter: hasPrefilter(shapes),
  };
}
