/** Pillow's bicubic filter (a = -0.5), in its fixed point. */

/** Weights have this many fractional bits: 8 bits of pixel, 2 of headroom, as in Pillow. */
export const PRECISION_BITS = 32 - 8 - 2;
export const HALF = 1 << (PRECISION_BITS - 1);

export interface Filter {
  /** First source pixel of each target pixel, and how many it reads. */
  starts: Int32Array;
  counts: Int32Array;
  /** (target, stride): fixed-point weights, `counts` of them in each row */
  weights: Int32Array;
  stride: number;
}

/** Filters used last: the pictures of a collection are of few sizes. */
const kept = new Map<string, Filter>();
const KEPT = 16;

/** How each of `to` pixels of a line is mixed from `from` pixels. Kept, so not to be changed. */
export function filterOf(from: number, to: number): Filter {
  const key = `${from} ${to}`;
  const filter = kept.get(key) ?? makeFilter(from, to);
  kept.delete(key);
  kept.set(key, filter);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value!);
  return filter;
}

/** precompute_coeffs, normalize_coeffs_8bpc */
function makeFilter(from: number, to: number): Filter {
  const scale = from / to;
  const filterScale = Math.max(scale, 1);
  const support = 2 * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(to);
  const counts = new Int32Array(to);
  const weights = new Int32Array(to * stride);
  const row = new Float64Array(stride);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(from, Math.trunc(center + support + 0.5)) - start;
    let sum = 0;
    for (let k = 0; k < count; k++) sum += row[k] = bicubic((k + start - center + 0.5) * (1 / filterScale));
    for (let k = 0; k < count; k++) weights[i * stride + k] = roundHalfAway((row[k] / sum) * (1 << PRECISION_BITS));
    starts[i] = start;
    counts[i] = count;
  }
  return { starts, counts, weights, stride };
}

function bicubic(x: number): number {
  const a = -0.5;
  x = Math.abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

function roundHalfAway(x: number): number {
  return Math.trunc(x + (x < 0 ? -0.5 : 0.5));
}
