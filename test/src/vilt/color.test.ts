import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cmykToRgb, overWhite } from '../../../src/vilt/color.js';

// Every fourth channel with every first one; SHA-256 of what Pillow 12.3 gives for it.
const pixels = Uint8Array.from({ length: 256 * 256 * 4 }, (_, i) => {
  const [fourth, first] = [i >> 10, (i >> 2) & 255];
  return [first, 255 - first, (first * 7) % 256, fourth][i % 4];
});
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('colour', () => {
  it('composes over white as Pillow does', () => {
    const rgb = overWhite(pixels, 4);
    assert.equal(sha256(rgb), '25f1a6efe873107875a9a7d1d815cb8cbff22f799410698f08d3eaa94ec39d16');
    assert.deepEqual([...overWhite(Uint8Array.of(0, 100, 255, 0, 0, 100, 255, 255), 4)], [255, 255, 255, 0, 100, 255]);
  });

  it('turns inks into light as Pillow does', () => {
    const rgb = cmykToRgb(pixels, 4);
    assert.equal(sha256(rgb), '5234721403cd42f28fd7cede65c4fe9de92bfe059b5e9d77b487bca1611a5a17');
    assert.deepEqual([...cmykToRgb(Uint8Array.of(0, 255, 100, 0, 0, 0, 0, 255), 4)], [255, 0, 155, 0, 0, 0]);
  });

  it('skips the channels beyond the fourth', () => {
    assert.deepEqual(
      [...overWhite(Uint8Array.of(10, 20, 30, 255, 9, 40, 50, 60, 255, 9), 5)],
      [10, 20, 30, 40, 50, 60],
    );
  });
});
