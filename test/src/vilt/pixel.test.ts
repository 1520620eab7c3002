import assert from 'node:assert/strict';
import type { ImageConfig } from '../../../src/vilt/config.js';
import { writePixels } from '../../../src/vilt/pixel.js';
import { normalizePixels } from './variant.js';

const VILT: ImageConfig = {
  shortestEdge: 384,
  sizeDivisor: 32,
  rescaleFactor: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  standardDeviation: [0.5, 0.5, 0.5],
};

describe('writePixels', () => {
  /** Every level, in each of three channels. */
  const levels = Uint8Array.from({ length: 3 * 256 }, (_, i) => i % 256);
  const picture = { width: 32, height: 8, pixels: levels };

  it('takes black to -1, white to 1, and all between as ((x / 255) - 0.5) / 0.5', () => {
    const { width, height, pixels } = normalizePixels(picture, VILT);
    assert.deepEqual([width, height], [32, 8]);
    assert.ok(pixels instanceof Float32Array);
    assert.equal(pixels[0], -1);
    assert.equal(pixels[255], 1);
    pixels.forEach((value, i) => assert.ok(Math.abs(value - ((i % 256) / 255 - 0.5) / 0.5) <= 6e-8));
  });

  it('has a mean and a deviation for each channel, red first', () => {
    const { pixels } = normalizePixels(picture, {
      ...VILT,
      rescaleFactor: 0.01,
      mean: [0, 1, 2],
      standardDeviation: [1, 2, 4],
    });
    for (const [channel, at] of [
      [0, 200],
      [1, 256 + 200],
      [2, 512 + 200],
    ]) {
      assert.equal(pixels[at], Math.fround((200 * 0.01 - channel) / 2 ** channel));
    }
  });

  it('copies what is normalised already', () => {
    const image = { width: 1, height: 1, pixels: Float32Array.of(-1, 0.25, 1) };
    const out = new Float32Array(3);
    writePixels(image, VILT, out);
    assert.deepEqual(out, image.pixels);
  });

  it('leaves what it is given as it was', () => {
    const before = levels.slice();
    normalizePixels(picture, { ...VILT, mean: [0, 0, 0], standardDeviation: [1, 1, 1] });
    assert.deepEqual(levels, before);
  });
});
