import assert from 'node:assert/strict';
import { resizeScalar } from '../../../src/vilt/resizescalar.js';
import { resizeVector } from '../../../src/vilt/resizevector.js';

/** Noise with as much black and white as the filter needs to leave [0, 255]. */
function noise(width: number, height: number, seed: number) {
  const pixels = new Uint8Array(3 * width * height);
  let state = seed + 1;
  for (let i = 0; i < pixels.length; i++) {
    state = (state * 48_271) % 0x7fffffff;
    pixels[i] = state % 3 === 0 ? 0 : state % 3 === 1 ? 255 : state >> 8;
  }
  return { width, height, pixels };
}

describe('resizeVector', function () {
  this.timeout(30_000);

  it('leaves alone what would take too much memory for ever', () => {
    assert.equal(resizeVector(noise(8, 60_000, 1), { width: 640, height: 8 }), null);
  });

  it('is byte for byte what the scalar passes give: smaller, larger, in one direction, of odd sizes', () => {
    const sizes = [1, 2, 3, 4, 5, 16, 31, 64, 112, 250];
    let seed = 0;
    for (const width of sizes) {
      for (const toWidth of sizes) {
        const [height, toHeight] = [sizes[seed % 10], sizes[Math.floor(seed / 10) % 10]];
        const image = noise(width, height, (seed += 1));
        const to = { width: toWidth, height: toHeight };
        const vector = resizeVector(image, to);
        assert.ok(vector !== null);
        const name = `${width}x${height} to ${toWidth}x${toHeight}`;
        assert.equal(Buffer.compare(vector, resizeScalar(image, to)), 0, name);
      }
    }
  });

  it('is so for a photograph, which it takes in several parts, and after one', () => {
    for (const [width, height] of [
      [1601, 907],
      [31, 17],
    ]) {
      const image = noise(width, height, width);
      const to = { width: 608, height: 352 };
      assert.equal(Buffer.compare(resizeVector(image, to)!, resizeScalar(image, to)), 0);
    }
  });
});
