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
  tablesOf(config).forEach((table, channel) => {
    for (let i = channel * plane; i < (channel + 1) * plane; i++) out[i] = table[pixels[i]];
  });
  return { width, height, pixels: out };
}

/** The normalised value of each level, one table a channel. */
function tablesOf(config: ImageConfig): Float32Array[] {
  let made = tables.get(config);
  if (!made) {
    made = config.mean.map((mean, channel) => {
      const deviation = config.standardDeviation[channel];
      return Float32Array.from({ length: 256 }, (_, x) => (x * config.rescaleFactor - mean) / deviation);
    });
    tables.set(config, made);
  }
  return made;
}

const tables = new WeakMap<ImageConfig, Float32Array[]>();
