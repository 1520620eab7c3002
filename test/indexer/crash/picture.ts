import { createHash } from 'node:crypto';
import { pngOf } from '../../png.js';
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
  return pngOf({ width: SIDE, height: SIDE, color: 'rgb', rows });
}

/** A file that is called a picture and is none: its end is missing. */
export function brokenPictureOf(seed: number): Buffer {
  const whole = pictureOf(seed);
  return whole.subarray(0, Math.floor(whole.length / 2));
}

export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
