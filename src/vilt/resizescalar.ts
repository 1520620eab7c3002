import { filterOf, HALF, PRECISION_BITS } from './bicubic.js';
import type { Size } from './resize.js';

/** `resizeBicubic`, one channel of one pixel at a time: for machines without vector instructions, and to compare with. */
export function resizeScalar(image: Size & { pixels: Uint8Array }, to: Size): Uint8Array {
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
