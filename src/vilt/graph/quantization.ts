/** Weights of a linear layer as small integers: value ≈ scale · integer, one scale for each output (per channel, symmetric). */
export interface QuantizedWeight {
  /** (inputs, outputs): transposed, as ONNX Runtime's integer product reads them */
  values: Int8Array;
  /** (outputs) */
  scales: Float32Array;
}

/**
 * Seven bits of the eight. Processors without VNNI add two products of a weight and an unsigned activation in 16 bits, which
 * 2 · 255 · 127 would overflow and 2 · 255 · 63 does not: with eight, scores were wrong there (ONNX Runtime's `reduce_range`).
 */
const LARGEST_WEIGHT = 63;

/** @param weight (outputs, inputs), as PyTorch keeps it */
export function quantize(weight: Float32Array, outputs: number): QuantizedWeight {
  const inputs = weight.length / outputs;
  const values = new Int8Array(weight.length);
  const scales = new Float32Array(outputs);
  for (let output = 0; output < outputs; output++) {
    const row = weight.subarray(output * inputs, (output + 1) * inputs);
    const largest = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const scale = largest / LARGEST_WEIGHT || 1;
    scales[output] = scale;
    for (let input = 0; input < inputs; input++) values[input * outputs + output] = Math.round(row[input] / scale);
  }
  return { values, scales };
}

const LARGEST_HALF = 65504;
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** IEEE 754 binary16, rounded to nearest even; what is too large becomes the largest finite half. */
export function toHalf(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, halfBits);
}

function halfBits(value: number): number {
  const magnitude = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  if (Number.isNaN(value)) return 0x7e00;
  if (magnitude >= LARGEST_HALF) return sign | 0x7bff;
  if (magnitude < 2 ** -14) return sign | roundHalfEven(magnitude * 2 ** 24); // subnormal: steps of 2^-24
  float[0] = magnitude;
  const exponent = (bits[0] >>> 23) - 127;
  const fraction = roundHalfEven((magnitude / 2 ** exponent - 1) * 1024); // 1024 carries into the exponent, rightly
  return sign | (((exponent + 15) << 10) + fraction);
}

function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
