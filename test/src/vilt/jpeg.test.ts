import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import sharp from 'sharp';
import { readJpegSize } from '../../../src/vilt/jpeg.js';
import { fixture } from '../../fixture.js';

const jpeg = (...segments: number[][]) => Uint8Array.from([0xff, 0xd8, ...segments.flat()]);
const frame = (marker: number, { bits = 8, height = 3, width = 4, components = 3 } = {}) => [
  ...[0xff, marker, 0, 8 + 3 * components, bits, height >> 8, height & 255, width >> 8, width & 255, components],
  ...Array.from({ length: 3 * components }, () => 0),
];

describe('readJpegSize', () => {
  it('says nothing of what is damaged or not plain', () => {
    const odd = [
      jpeg(),
      jpeg([0xff]),
      jpeg([0xff, 0xe0, 0, 1]), // a length that does not hold itself
      jpeg([0xff, 0xe0, 0xff, 0xff, 1, 2, 3]), // cut short
      jpeg([0x12, 0x34, 0, 4, 0, 0]), // stray bytes
      jpeg([0xff, 0xda, 0, 8, 0, 0]), // a scan without a frame
      jpeg(frame(0xc0).slice(0, 9)),
      jpeg(frame(0xc0, { height: 0 })), // said after the scan
      jpeg(frame(0xc0, { bits: 12 })),
      jpeg(frame(0xc0, { components: 4 })),
      jpeg(frame(0xc4)), // tables
    ];
    for (const [i, bytes] of odd.entries()) assert.equal(readJpegSize(bytes), null, `case ${i}`);
  });

  it('finds the frame behind other segments, fill bytes and an embedded picture', () => {
    const embedded = [0xff, 0xe1, 0, 2 + frame(0xc0).length, ...frame(0xc0, { height: 99 })];
    const size = { width: 0x1234, height: 0x0102 };
    for (const marker of [0xc0, 0xc1, 0xc2, 0xc9]) {
      assert.deepEqual(readJpegSize(jpeg(embedded, [0xff, 0xff], frame(marker, size).slice(1))), size);
      assert.deepEqual(readJpegSize(jpeg(frame(marker, { ...size, components: 1 }))), size);
    }
  });

  it('agrees with the decoder on every JPEG here', async () => {
    for (const folder of ['preprocess', 'preprocess/decode']) {
      for (const name of readdirSync(fixture(folder)).filter((name) => name.endsWith('.jpg'))) {
        const bytes = readFileSync(fixture(folder, name));
        const { width, height, channels } = await sharp(bytes).metadata();
        assert.deepEqual(readJpegSize(bytes), channels === 4 ? null : { width, height }, name);
      }
    }
  });
});
