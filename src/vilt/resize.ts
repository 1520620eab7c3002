/** Resizing as the reference does it: ViLT's sizes, Pillow's bicubic filter. Pure arithmetic on uint8 pixels. */

import { resizeScalar } from './resizescalar.js';
import { resizeVector } from './resizevector.js';

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
  return resizeVector(image, to) ?? resizeScalar(image, to);
}
