import type { ImageConfig } from './config.js';
import type { ModelInput } from './image.js';

/** A picture as the patch projection reads it. */
export interface PixelValues {
  width: number;
  height: number;
  /** (channels, height, width), normalised */
  pixels: Float32Array;
}

/**
 * ((x · rescale) - mean) / standard deviation, channel by channel; [-1, 1] with ViLT's values. What is normalised already is copied.
 *
 * @param out (channels, height, width)
 */
export function writePixels(image: ModelInput | PixelValues, config: ImageConfig, out: Float32Array): void {
  const { width, height, pixels } = image;
  if (pixels instanceof Float32Array) {
    out.set(pixels);
    return;
  }
  const plane = width * height;
  tablesOf(config).forEach((table, channel) => {
    for (let i = channel * plane; i < (channel + 1) * plane; i++) out[i] = table[pixels[i]];
  });
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
