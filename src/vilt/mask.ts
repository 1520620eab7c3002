import type { TextInput } from './model.js';

/** What each position adds to the mean of its row: (batch, sequence). @param bias 0 where a position is read */
export function shares(bias: Float32Array, size: number): Float32Array {
  const sequence = bias.length / size;
  const result = new Float32Array(bias.length);
  for (let row = 0; row < size; row++) {
    const own = bias.subarray(row * sequence, (row + 1) * sequence);
    const read = own.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);
    own.forEach((value, i) => (result[row * sequence + i] = value === 0 ? 1 / read : 0));
  }
  return result;
}

/** What is added to attention scores: nothing where a token is read, the lowest number where it is padding. */
export function writeBias(bias: Float32Array, text: TextInput, textLength: number): void {
  for (let i = 0; i < textLength; i++) {
    const read = i < text.ids.length && (text.mask?.[i] ?? 1) !== 0;
    if (!read) bias[i] = -3.4028234663852886e38;
  }
}
