import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { seededRandom } from '../../../src/evaluation/random.js';
import { readSafetensors, writeSafetensors, type TensorData } from '../../../src/vilt/checkpoint/safetensors.js';
import { readTensor, type DType } from '../../../src/vilt/checkpoint/tensor.js';
import type { ImageConfig } from '../../../src/vilt/config.js';
import type { ModelInput } from '../../../src/vilt/image.js';
import { type PixelValues, writePixels } from '../../../src/vilt/pixel.js';
import { toHalf } from '../../../src/vilt/graph/quantization.js';

export interface Values {
  shape: readonly number[];
  values: Float32Array;
}

export type FloatType = 'F32' | 'F16' | 'BF16' | 'F64';

export interface VariantOptions {
  /** Folder of the model to start from. */
  from: string;
  /** Keys of config.json to set. */
  config?: Record<string, unknown>;
  /** Element type of the weights written. */
  dtype?: FloatType;
  /** Adds, changes or removes tensors. */
  change?: (tensors: Map<string, Values>) => void;
}

/** Writes a checkpoint that differs from another, in a folder of its own; returns that folder. */
export async function writeVariant(
  folder: string,
  { from, config = {}, dtype = 'F32', change = () => {} }: VariantOptions,
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const tensors = readValues(from);
  change(tensors);
  await writeSafetensors(
    path.join(folder, 'model.safetensors'),
    [...tensors].map(([name, { shape, values }]): TensorData => ({ name, dtype, shape, data: encode(values, dtype) })),
  );
  const original = JSON.parse(readFileSync(path.join(from, 'config.json'), 'utf8')) as object;
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ ...original, ...config }));
  for (const name of ['preprocessor_config.json', 'tokenizer.json', 'vocab.txt', 'patchword.json']) {
    if (existsSync(path.join(from, name))) copyFileSync(path.join(from, name), path.join(folder, name));
  }
  return folder;
}

/** The tensors of a model folder. */
export function readValues(folder: string): Map<string, Values> {
  const { tensors } = readSafetensors(path.join(folder, 'model.safetensors'));
  return new Map([...tensors].map(([name, tensor]) => [name, { shape: tensor.shape, values: readTensor(tensor) }]));
}

/** What is left of values that are kept as another type. */
export function rounded(values: Float32Array, dtype: FloatType): Float32Array {
  const data = encode(values, dtype);
  if (data instanceof Float32Array || data instanceof Float64Array) return Float32Array.from(data);
  if (dtype === 'BF16') return new Float32Array(Uint32Array.from(data as Uint16Array, (bits) => bits << 16).buffer);
  return Float32Array.from(data as Uint16Array, halfValue);
}

/** IEEE 754 binary16, by its definition. */
export function halfValue(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function encode(values: Float32Array, dtype: FloatType): ArrayBufferView & Iterable<number> {
  const types: Record<FloatType & DType, () => ArrayBufferView & Iterable<number>> = {
    F32: () => values,
    F64: () => Float64Array.from(values),
    F16: () => toHalf(values),
    BF16: () => Uint16Array.from(new Uint32Array(Float32Array.from(values).buffer), (bits) => bits >>> 16),
  };
  return types[dtype]();
}

export { seededRandom as random };

/** A picture of noise, as the model sees it. */
export function noise(seed: number, { width, height }: { width: number; height: number }): ModelInput {
  const next = seededRandom(seed);
  return { width, height, pixels: Uint8Array.from({ length: 3 * width * height }, () => Math.floor(256 * next())) };
}

/** Values about zero, for weights that a fixture lacks. */
export function weights(seed: number, shape: readonly number[], scale = 0.2): Values {
  const next = seededRandom(seed);
  const length = shape.reduce((product, n) => product * n, 1);
  return { shape, values: Float32Array.from({ length }, () => scale * (2 * next() - 1)) };
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
  }
  return largest;
}

export function normalizePixels(image: ModelInput, config: ImageConfig): PixelValues {
  const pixels = new Float32Array(image.pixels.length);
  writePixels(image, config, pixels);
  return { ...image, pixels };
}
