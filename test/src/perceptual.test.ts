import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { perceptualDistance, perceptualHash } from '../../src/perceptual.js';
import { prepareImage } from '../../src/vilt/image.js';
import type { ModelInput } from '../../src/vilt/image.js';
import { readSample } from './sample.js';
import { reencode } from './variation.js';

/** Images that are this near are linked. */
const LINKED = 3;
const CONFIG = { shortestEdge: 112, sizeDivisor: 16 };

const hashOf = async (source: string | Uint8Array, config = CONFIG) =>
  perceptualHash((await prepareImage(source, config)).modelInput);

/** A gray image whose levels are what `level` says at each place, from 0 to 1 on both axes. */
function drawn(level: (x: number, y: number) => number, { width = 160, height = 112 } = {}): ModelInput {
  const area = width * height;
  const pixels = new Uint8Array(3 * area);
  for (let i = 0; i < area; i++) pixels[i] = level((i % width) / width, Math.floor(i / width) / height);
  pixels.copyWithin(area, 0, area);
  pixels.copyWithin(2 * area, 0, area);
  return { width, height, pixels };
}

/** Eight by eight fields of levels that are random in each channel. */
function checkered(seed: number, { width, height }: { width: number; height: number }): ModelInput {
  const area = width * height;
  const levels = Array.from({ length: 3 * 64 }, () => (seed = (seed * 48271) % 0x7fffffff) % 256);
  const pixels = Uint8Array.from({ length: 3 * area }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width) % height];
    return levels[64 * Math.floor(i / area) + 8 * Math.floor((8 * y) / height) + Math.floor((8 * x) / width)];
  });
  return { width, height, pixels };
}

describe('perceptualHash', function () {
  this.timeout(60_000);

  it('has none for images that would all look alike: flat ones, noise too faint to see, gradients', () => {
    let seed = 1;
    const random = () => (seed = (seed * 48271) % 0x7fffffff) / 0x7fffffff;
    const images = [() => 0, () => 255, () => 128 + 6 * random(), (x: number) => 255 * x];
    for (const level of images) assert.equal(perceptualHash(drawn(level)), null);
    assert.equal(perceptualHash(drawn((x, y) => 120 * (x + y))), null);
    assert.equal(perceptualHash(drawn(() => 9, { width: 16, height: 1 })), null);
  });

  it('works for images smaller than what is hashed, and very long ones', () => {
    const stripes = (x: number, y: number) => (Math.floor(x * 7) % 2 === Math.floor(y * 3) % 2 ? 220 : 30);
    const hashes = [
      { width: 16, height: 16 },
      { width: 640, height: 32 },
      { width: 32, height: 640 },
    ].map((size) => perceptualHash(drawn(stripes, size)));
    for (const hash of hashes) assert.equal(hash?.length, 4);
  });

  it('gives the bits that catalogs hold: of seven sizes, the hashes of the first version', () => {
    const hashes = createHash('sha256');
    const sizes = [[112, 112], [160, 112], [112, 176], [16, 16], [176, 16], [384, 608], [33, 31]]; // prettier-ignore
    for (const [width, height] of sizes) {
      for (let seed = 1; seed <= 5; seed++)
        hashes.update(`${perceptualHash(checkered(seed, { width, height }))?.join()};`);
    }
    assert.equal(hashes.digest('hex'), 'de28af69f7eef4227d45e72f9c0cf2c182f9b31060d39f4388ad8ff9aa621846');
  });

  it('is 64 bits that the size of the model input hardly moves', async () => {
    const { file } = readSample()[0];
    const small = await hashOf(file);
    const large = await hashOf(file, { shortestEdge: 384, sizeDivisor: 32 });
    assert.ok(small instanceof Uint16Array && small.length === 4);
    assert.ok(perceptualDistance(small, large!) <= 1);
  });

  it('links copies of a picture that were re-encoded, halved or cropped by a pixel, and no two pictures of the sample', async () => {
    const pictures = readSample().slice(0, 60);
    const hashes: Uint16Array[] = [];
    const far: string[] = [];
    let copies = 0;
    for (const { file } of pictures) {
      const hash = (await hashOf(file))!;
      for (const other of hashes) assert.ok(perceptualDistance(hash, other) > LINKED, file);
      hashes.push(hash);
      for (const change of ['quality', 'half', 'crop'] as const) {
        copies += 1;
        const copy = (await hashOf(await reencode(file, change)))!;
        if (perceptualDistance(hash, copy) > LINKED) far.push(`${file} ${change}`);
      }
    }
    assert.ok(far.length <= copies / 50, `${far.length} of ${copies} copies would not be linked: ${far.join(', ')}`);
  });
});

describe('perceptualDistance', () => {
  it('counts the bits that differ', () => {
    const distance = (one: number[], other: number[]) =>
      perceptualDistance(Uint16Array.from(one), Uint16Array.from(other));
    assert.equal(distance([0, 0, 0, 0], [0, 0, 0, 0]), 0);
    assert.equal(distance([0xffff, 0, 0, 1], [0, 0, 0x8000, 1]), 17);
    assert.equal(distance([0xffff, 0xffff, 0xffff, 0xffff], [0, 0, 0, 0]), 64);
  });
});
