import { createHash } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';
import { random } from '../../src/vilt/variant.js';

const SIDE = 20; // pixels

/** A small picture, another one for each seed, as the bytes of a PNG file. A `shade` makes it a near duplicate of itself. */
export function pictureOf(seed: number, shade = 0): Buffer {
  const next = random(seed);
  // Large patches of color, so that pictures differ in what a model sees and in their perceptual hash.
  const cells = Array.from({ length: 3 * 25 }, () => Math.floor(240 * next()));
  const rows = Buffer.alloc(SIDE * (1 + 3 * SIDE));
  for (let y = 0, at = 0; y < SIDE; y++) {
    at++; // No filter.
    for (let x = 0; x < SIDE; x++) {
      const cell = 3 * (5 * Math.floor((5 * y) / SIDE) + Math.floor((5 * x) / SIDE));
      for (let channel = 0; channel < 3; channel++) rows[at++] = cells[cell + channel] + shade;
    }
  }
  return pngOf(rows);
}

/** A file that is called a picture and is none: its end is missing. */
export function brokenPictureOf(seed: number): Buffer {
  const whole = pictureOf(seed);
  return whole.subarray(0, Math.floor(whole.length / 2));
}

export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function pngOf(rows: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(SIDE, 0);
  header.writeUInt32BE(SIDE, 4);
  header[8] = 8; // bits
  header[9] = 2; // red, green and blue
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND')]);
}

function chunk(type: string, data: Buffer = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
