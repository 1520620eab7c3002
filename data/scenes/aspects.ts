import { CANVAS } from './paint.js';

/** Shapes of pictures, width to height. */
export const ASPECTS = ['1:1', '4:3', '3:4'] as const;
export type Aspect = (typeof ASPECTS)[number];

/** Sides: of a picture in pixels, or of the canvas that its scene is drawn on. */
export interface Canvas {
  width: number;
  height: number;
}

/** ViLT's patches; a picture whose longer side is no multiple would lose the rest when it is read. */
const PATCH = 16;

/**
 * The picture's sides in pixels. The longer one is a multiple of 16: of 112 x 149.3 a model of patch 16 and shorter side
 * 112 reads 112 x 144, so that is what is drawn.
 */
export function pixelsOf(aspect: Aspect, size: number): Canvas {
  const longer = Math.max(size, Math.floor((size * 4) / 3 / PATCH) * PATCH);
  return { width: aspect === '4:3' ? longer : size, height: aspect === '3:4' ? longer : size };
}

/** The canvas of the same shape, 100 on its shorter side. */
export function canvasOf({ width, height }: Canvas): Canvas {
  const scale = CANVAS / Math.min(width, height);
  return { width: width * scale, height: height * scale };
}
