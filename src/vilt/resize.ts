/** Resizing as the reference does it: ViLT's sizes, Pillow's bicubic filter. Pure arithmetic on uint8 pixels. */

export interface Size {
  /** Pixels. */
  width: number;
  height: number;
}

/** `size.shortest_edge` and `size_divisor` of a model's preprocessor_config.json. */
export interface ResizeOptions {
  shortestEdge: number;
  /** Both sides of a model input are multiples of it: the patch size. */
  sizeDivisor: number;
}

/** COCO's 800 by 1333, the aspect beyond which the longer side is what is bounded. */
const LONGEST_ASPECT = 1333 / 800;

/**
 * The size at which the model sees an image: shorter side `shortestEdge`, longer side at most `1333/800 · shortestEdge`,
 * both then floored to the divisor. Unlike the reference, a very long image keeps one patch across.
 *
 * Source: transformers, image_processing_pil_vilt.py, get_resize_output_image_size.
 */
export function modelSize(size: Size, { shortestEdge, sizeDivisor }: ResizeOptions): Size {
  const longestEdge = Math.trunc(LONGEST_ASPECT * shortestEdge);
  let scale = shortestEdge / Math.min(size.width, size.height);
  let width = size.width <= size.height ? shortestEdge : scale * size.width;
  let height = size.height < size.width ? shortestEdge : scale * size.height;
  if (Math.max(width, height) > longestEdge) {
    scale = longestEdge / Math.max(width, height);
    width *= scale;
    height *= scale;
  }
  const floorToDivisor = (side: number) => Math.max(1, Math.floor(Math.floor(side + 0.5) / sizeDivisor)) * sizeDivisor;
  return { width: floorToDivisor(width), height: floorToDivisor(height) };
}

/** Weights have this many fractional bits: 8 bits of pixel, 2 of headroom, as in Pillow. */
const PRECISION_BITS = 32 - 8 - 2;
const HALF = 1 << (PRECISION_BITS - 1);

/**
 * Pillow's antialiased bicubic (a = -0.5), bit for bit: a horizontal pass, then a vertical one, each in fixed point and
 * rounded to uint8.
 *
 * Source: Pillow, src/libImaging/Resample.c.
 *
 * @param image pixels (height, width, 3)
 * @returns (3, to.height, to.width)
 */
export function resizeBicubic(image: Size & { pixels: Uint8Array }, to: Size): Uint8Array {
  const { width, height, pixels } = image;
  const planes = width === to.width ? toPlanes(pixels) : resizeRows(pixels, width, height, to.width);
  return height === to.height ? planes : resizeColumns(planes, to.width, height, to.height);
}

/** (height, width, 3) → (3, height, width) */
function toPlanes(pixels: Uint8Array): Uint8Array {
  const area = pixels.length / 3;
  const planes = new Uint8Array(pixels.length);
  for (let i = 0, p = 0; i < area; i++, p += 3) {
    planes[i] = pixels[p];
    planes[area + i] = pixels[p + 1];
    planes[2 * area + i] = pixels[p + 2];
  }
  return planes;
}

/** (height, width, 3) → (3, height, toWidth) */
function resizeRows(pixels: Uint8Array, width: number, height: number, toWidth: number): Uint8Array {
  const { starts, counts, weights, stride } = filterOf(width, toWidth);
  const area = height * toWidth;
  const planes = new Uint8ClampedArray(3 * area);
  for (let y = 0, out = 0; y < height; y++) {
    for (let x = 0; x < toWidth; x++, out++) {
      let r = HALF;
      let g = HALF;
      let b = HALF;
      let p = (y * width + starts[x]) * 3;
      const end = x * stride + counts[x];
      for (let k = x * stride; k < end; k++, p += 3) {
        const weight = weights[k];
        r = (r + Math.imul(pixels[p], weight)) | 0;
        g = (g + Math.imul(pixels[p + 1], weight)) | 0;
        b = (b + Math.imul(pixels[p + 2], weight)) | 0;
      }
      planes[out] = r >> PRECISION_BITS;
      planes[area + out] = g >> PRECISION_BITS;
      planes[2 * area + out] = b >> PRECISION_BITS;
    }
  }
  return new Uint8Array(planes.buffer);
}

/** (3, height, width) → (3, toHeight, width) */
function resizeColumns(planes: Uint8Array, width: number, height: number, toHeight: number): Uint8Array {
  const { starts, counts, weights, stride } = filterOf(height, toHeight);
  const area = height * width;
  const toArea = toHeight * width;
  const resized = new Uint8ClampedArray(3 * toArea);
  for (let y = 0, out = 0; y < toHeight; y++) {
    const first = y * stride;
    const end = first + counts[y];
    for (let x = 0; x < width; x++, out++) {
      let r = HALF;
      let g = HALF;
      let b = HALF;
      for (let k = first, p = starts[y] * width + x; k < end; k++, p += width) {
        const weight = weights[k];
        r = (r + Math.imul(planes[p], weight)) | 0;
        g = (g + Math.imul(planes[area + p], weight)) | 0;
        b = (b + Math.imul(planes[2 * area + p], weight)) | 0;
      }
      resized[out] = r >> PRECISION_BITS;
      resized[toArea + out] = g >> PRECISION_BITS;
      resized[2 * toArea + out] = b >> PRECISION_BITS;
    }
  }
  return new Uint8Array(resized.buffer);
}

interface Filter {
  /** First source pixel of each target pixel, and how many it reads. */
  starts: Int32Array;
  counts: Int32Array;
  /** (target, stride): fixed-point weights, `counts` of them in each row */
  weights: Int32Array;
  stride: number;
}

/** How each of `to` pixels of a line is mixed from `from` pixels (precompute_coeffs, normalize_coeffs_8bpc). */
function filterOf(from: number, to: number): Filter {
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
