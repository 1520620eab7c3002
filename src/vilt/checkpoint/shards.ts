import { statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { PatchwordError } from '../../errors.js';
import { damaged, parseObject, quote } from './damage.js';
import { readRange, sizeOf } from './range.js';
import { readSafetensors } from './safetensors.js';
import type { Tensor } from './tensor.js';

const MAX_INDEX_BYTES = 10_000_000;

const weightMapSchema = z.record(z.string(), z.string());

/** The index of a sharded checkpoint: which file beside it holds which tensor. */
export interface ShardIndex {
  /** File names, each once. */
  shards: string[];
  /** Tensor name → file name. */
  weightMap: ReadonlyMap<string, string>;
}

/**
 * Reads `model.safetensors.index.json`. Every shard is the plain name of a safetensors file: nothing outside the folder.
 *
 * @throws PatchwordError MODEL_INCOMPLETE
 */
export function readShardIndex(file: string): ShardIndex {
  const size = sizeOf(file);
  if (size > MAX_INDEX_BYTES) throw damaged(file, `an index of ${size} bytes is more than ${MAX_INDEX_BYTES}`);
  const parsed = weightMapSchema.safeParse(parseObject(file, readRange(file, 0, size)).get('weight_map'));
  if (!parsed.success) throw damaged(file, 'it has no weight_map of tensor names to file names');
  const weightMap = new Map(Object.entries(parsed.data));
  const shards = [...new Set(weightMap.values())].sort();
  const strange = shards.find((name) => !/^[\w-][\w.-]*\.safetensors$/.test(name));
  if (strange !== undefined) throw damaged(file, `${quote(strange)} is not the name of a safetensors file beside it`);
  return { shards, weightMap };
}

/**
 * Finds the tensors of a sharded checkpoint in the files beside its index.
 *
 * @throws PatchwordError MODEL_INCOMPLETE naming the files or the tensor that is missing.
 */
export function readShards(index: string): { files: string[]; tensors: Map<string, Tensor> } {
  const { shards, weightMap } = readShardIndex(index);
  const fileOf = (shard: string) => path.join(path.dirname(index), shard);
  const missing = shards.filter((shard) => !statSync(fileOf(shard), { throwIfNoEntry: false }));
  if (missing.length > 0) {
    throw new PatchwordError(
      'MODEL_INCOMPLETE',
      `${index} names files that are not beside it: ${missing.join(', ')}.`,
      {
        hint: 'Download the model again, with all of its files.',
      },
    );
  }
  const held = new Map(shards.map((shard) => [shard, readSafetensors(fileOf(shard)).tensors]));
  const tensors = new Map<string, Tensor>();
  for (const [name, shard] of weightMap) {
    const tensor = held.get(shard)?.get(name);
    if (!tensor) throw damaged(index, `${quote(name)} should be in ${shard} but is not`);
    tensors.set(name, tensor);
  }
  return { files: shards.map(fileOf), tensors };
}
