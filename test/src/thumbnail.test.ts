import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { thumbnail } from '../../src/thumbnail.js';
import { decodeImage } from '../../src/vilt/image.js';
import { fixture } from '../fixture.js';

const picture = (name: string) => fixture('preprocess', name);
const sizeOf = async (bytes: Uint8Array) => {
  const { width, height } = await decodeImage(bytes);
  return `${width}x${height}`;
};

describe('thumbnail', () => {
  it('refuses a senseless edge, and what the model would refuse', async () => {
    const file = picture('small_90x60.png');
    await assert.rejects(thumbnail(picture('nothing.png')), { code: 'FILE_NOT_FOUND' });
    await assert.rejects(thumbnail(Buffer.from('<svg/>')), { code: 'IMAGE_UNREADABLE' });
    await assert.rejects(thumbnail(file, {}, { pixels: 100 }), { code: 'IMAGE_TOO_LARGE', message: /90x60/ });
    await assert.rejects(thumbnail(file, {}, { bytes: 100 }), { code: 'IMAGE_TOO_LARGE' });
    for (const edge of [0, -1, 0.5, NaN]) await assert.rejects(thumbnail(file, { edge }), { code: 'INVALID_ARGUMENT' });
    const cut = readFileSync(file).subarray(0, 5000);
    await assert.rejects(thumbnail(cut), { code: 'IMAGE_UNREADABLE', message: /damaged/ });
  });

  it('is a WebP whose longer side is the edge', async () => {
    const bytes = await thumbnail(picture('coco_640x480.png'));
    assert.match(Buffer.from(bytes).toString('latin1'), /^RIFF....WEBP/s);
    assert.equal(await sizeOf(bytes), '320x240');
    assert.equal(await sizeOf(await thumbnail(picture('tall_200x900.png'), { edge: 90 })), '20x90');
  });

  it('is upright, and never enlarged', async () => {
    assert.equal(await sizeOf(await thumbnail(picture('exif6_480x640.jpg'))), '320x240');
    assert.equal(await sizeOf(await thumbnail(picture('small_90x60.png'))), '90x60');
  });

  it('looks like the picture, over white where that is transparent', async () => {
    for (const name of [
      'exif6_480x640.jpg',
      'cmyk_410x330.jpg',
      'gray_400x300.png',
      'decode/alpha.png',
      'decode/sixteen.png',
    ]) {
      const [expected, actual] = [await decodeImage(picture(name)), await decodeImage(await thumbnail(picture(name)))];
      for (const [at, level] of quarters(actual).entries()) {
        assert.ok(Math.abs(level - quarters(expected)[at]) < 40, `${name}: ${level}, not ${quarters(expected)[at]}`);
      }
    }
  });

  it('holds the first frame of an animation', async () => {
    assert.equal(await sizeOf(await thumbnail(picture('decode/animation.gif'))), '27x19');
  });
});

/** Mean level of each quarter of an image. */
function quarters({ width, height, pixels }: { width: number; height: number; pixels: Uint8Array }): number[] {
  const sums = [0, 0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const quarter = (y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1);
      for (let c = 0; c < 3; c++) sums[quarter] += pixels[(y * width + x) * 3 + c];
    }
  }
  return sums.map((sum) => sum / (pixels.length / 4));
}
