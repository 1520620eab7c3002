import { PatchwordError } from '../errors.js';

/** Of a model whose weights, or precision, give NaN or infinity, which nothing can be ranked by. */
export function notFinite(folder: string, what: string): PatchwordError {
  return new PatchwordError('MODEL_UNSUPPORTED', `${folder} gives ${what} that are not finite numbers.`, {
    hint: 'Its weights are damaged, or need another precision: check them with patchword model verify.',
  });
}

/** @throws PatchwordError MODEL_UNSUPPORTED */
export function requireFinite<T extends Float32Array>(values: T, folder: string, what: string): T {
  if (values.every(Number.isFinite)) return values;
  throw notFinite(folder, what);
}
