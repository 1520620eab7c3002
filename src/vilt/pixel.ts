import type { ImageConfig } from './config.js';
import type { ModelInput } from './image.js';

/** A picture as the patch projection reads it. */
export interface PixelValues {
  width: number;
  height: number;
  /** (channels, height, width), normalised */
  pixels: Float32Array;
}

/** ((x · rescale) - mean) / standard deviation, channel by channel; [-1, 1] with ViLT's values. */
export function normalizePixels({ width, height, pixels }: ModelInput, config: ImageConfig): PixelValues {
  const plane = width * height;
  const out = new Float32Array(pixels.length);
  config.mean.forEach((mean, channel) => {
    const table = Float32Array.from({ length: 256 }, (_, x) => {
      return (x * config.rescaleFactor - mean) / config.standardDeviation[channel];
    });
    for (let i = channel * plane; i < (channel + 1) * plane; i++) out[i] = table[pixels[i]];
  });
  return { width, height, pixels: out };
}
