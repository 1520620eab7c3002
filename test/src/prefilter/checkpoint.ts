import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { BUNDLED_MODEL } from '../../../src/paths.js';
import { openCheckpoint } from '../../../src/vilt/checkpoint/checkpoint.js';
import { writeSafetensors, type TensorData } from '../../../src/vilt/checkpoint/safetensors.js';
import { readTensor } from '../../../src/vilt/checkpoint/tensor.js';

/** Copies the bundled model without its prefilter heads, its tensors changed by `change`. */
export async function writeStripped(
  folder: string,
  change: (name: string, values: Float32Array) => Float32Array = (_, values) => values,
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const { tensors } = await openCheckpoint(BUNDLED_MODEL);
  const kept: TensorData[] = [];
  for (const [name, tensor] of tensors) {
    if (name.startsWith('prefilter.')) continue;
    kept.push({ name, dtype: 'F32', shape: tensor.shape, data: change(name, readTensor(tensor)) });
  }
  await writeSafetensors(path.join(folder, 'model.safetensors'), kept);
  for (const name of ['config.json', 'preprocessor_config.json', 'tokenizer.json', 'vocab.txt']) {
    copyFileSync(path.join(BUNDLED_MODEL, name), path.join(folder, name));
  }
  return folder;
}

/** Weights as they are before any training: normal with deviation 0.02, biases 0, norms 1. */
export function untrained(seed: number): (name: string, values: Float32Array) => Float32Array {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  return (name, values) => {
    if (name.endsWith('.bias')) return values.map(() => 0);
    if (/layer_?norm/i.test(name)) return values.map(() => 1);
    return values.map(() => 0.02 * normal());
  };
}
