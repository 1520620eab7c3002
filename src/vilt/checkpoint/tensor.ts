import { readRange } from './range.js';

/** Element types, by the names of the safetensors format, and their size in bytes. */
export const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

export type DType = keyof typeof DTYPE_BYTES;

/** One tensor where it lies: contiguous, row-major, little-endian; never read until asked. */
export interface Tensor {
  name: string;
  dtype: DType;
  shape: readonly number[];
  /** Absolute path. */
  file: string;
  /** Where its first byte lies in the file. */
  offset: number;
  byteLength: number;
}

/**
 * The values of a tensor as float32, whatever they are stored as.
 *
 * @throws PatchwordError FILE_NOT_FOUND where the file cannot be read, MODEL_INCOMPLETE where it has become shorter.
 */
export function readTensor(tensor: Tensor): Float32Array {
  return toFloat32(readRange(tensor.file, tensor.offset, tensor.byteLength).buffer, tensor.dtype);
}

function toFloat32(buffer: ArrayBuffer, dtype: DType): Float32Array {
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer);
    case 'F64':
      return new Float32Array(new Float64Array(buffer));
    case 'F16':
      return Float32Array.from(new Uint16Array(buffer), halfToFloat);
    case 'BF16':
      return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer);
    case 'I64':
      return Float32Array.from(new BigInt64Array(buffer), Number);
    case 'U64':
      return Float32Array.from(new BigUint64Array(buffer), Number);
    case 'I32':
      return new Float32Array(new Int32Array(buffer));
    case 'U32':
      return new Float32Array(new Uint32Array(buffer));
    case 'I16':
      return new Float32Array(new Int16Array(buffer));
    case 'U16':
      return new Float32Array(new Uint16Array(buffer));
    case 'I8':
      return new Float32Array(new Int8Array(buffer));
    case 'U8':
    case 'BOOL':
      return new Float32Array(new Uint8Array(buffer));
  }
}

/** IEEE 754 binary16: one sign bit, five of exponent (bias 15), ten of fraction. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
