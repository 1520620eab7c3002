import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { fixture } from './fixture.js';
import { pngChunk, pngOf } from './png.js';

/** What has to come of a file: the captions it is read with, or why it is not. */
export type Outcome = string[] | RegExp;

/**
 * Fills a folder with files that have broken other programs, each with its captions beside it where it has any.
 *
 * @returns by name, as a reader reports it, what has to come of it
 */
export async function writeHostileFolder(folder: string): Promise<Map<string, Outcome>> {
  mkdirSync(folder, { recursive: true });
  const outcomes = new Map<string, Outcome>();
  const put = (name: string, bytes: Uint8Array | string, outcome: Outcome) => {
    writeFileSync(path.join(folder, name), bytes);
    outcomes.set(name, outcome);
  };
  const png = readFileSync(fixture('preprocess', 'small_90x60.png'));
  const jpeg = readFileSync(fixture('preprocess', 'decode', 'subsampled.jpg'));

  put('zero.jpg', '', /zero\.jpg is empty/);
  put('cut.jpg', jpeg.subarray(0, jpeg.length / 2), /damaged, cut short/);
  put('cut.png', png.subarray(0, png.length / 2), /damaged, cut short/);
  put('bomb.png', pngOfSize(50_000, 50_000), /50000x50000/);
  put('bomb.gif', gifOfSize(65_535, 65_535), /65535x65535/);
  put('endless.png', withSize(png, 2 ** 31 - 1), /its header makes no sense/);
  put('page.jpg', '<!DOCTYPE html><title>404</title>', /HTML page/);
  put('drawing.png', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', /SVG is a program/);
  put('phone.jpg', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'), /HEIC is not read/);
  put('lying.jpg', await picture(1), []);
  put('1x20000.png', await picture(2, { width: 1, height: 20_000 }), []);
  put('20000x1.png', await picture(3, { width: 20_000, height: 1 }), []);
  put('sixteen.png', readFileSync(fixture('preprocess', 'decode', 'sixteen.png')), []);
  put('cmyk.jpg', readFileSync(fixture('preprocess', 'decode', 'cmyk_black.jpg')), []);
  put('animated.gif', readFileSync(fixture('preprocess', 'decode', 'animation.gif')), []);
  put('exif.jpg', withBrokenExif(jpeg), []);
  await putNames(folder, put, outcomes);
  await putCaptions(folder, put);
  putNoFiles(folder, outcomes);
  return outcomes;
}

type Put = (name: string, bytes: Uint8Array | string, outcome: Outcome) => void;

async function putNames(folder: string, put: Put, outcomes: Map<string, Outcome>): Promise<void> {
  const names = [
    'two\nlines.png',
    '🦊 and 🌲.png',
    `${'é'.repeat(125)}x.png`,
    'up\\..\\x.png',
    '%2e%2e.png',
    'a"><img>.png',
  ];
  for (const [i, name] of names.entries()) put(name, await picture(10 + i), []);
  if (process.platform !== 'linux') return; // others refuse such a name
  const name = Buffer.concat([Buffer.from(`${folder}${path.sep}caf`), Buffer.from([0xe9]), Buffer.from('.png')]);
  writeFileSync(name, await picture(20));
  outcomes.set('caf\u{FFFD}.png', /its name is not UTF-8/);
}

async function putCaptions(folder: string, put: Put): Promise<void> {
  const captions: [string, string | Uint8Array, Outcome][] = [
    ['huge', 'fox '.repeat(2 ** 18), /caption files of up to/],
    ['long', 'fox '.repeat(200_000), /a caption has \d{6} characters/],
    ['latin', Buffer.from('a caf\xe9', 'latin1'), /not UTF-8/],
    ['mark', '\u{FEFF}a fox', ['a fox']],
    ['dots', '?! … —', ['?! … —']],
    ['blank', ' \t\r\n\u{200B}\n', []],
    ['override', 'a \u{202E}xof\u{202C}\0 here', ['a \u{202E}xof\u{202C} here']],
  ];
  for (const [i, [name, text, outcome]] of captions.entries()) {
    put(`caption-${name}.png`, await picture(30 + i), outcome);
    writeFileSync(path.join(folder, `caption-${name}.txt`), text);
  }
}

/** Names of pictures that are something else, or lead elsewhere. */
function putNoFiles(folder: string, outcomes: Map<string, Outcome>): void {
  const outside = `${folder}-outside.png`;
  copyFileSync(fixture('preprocess', 'small_90x60.png'), outside);
  for (const [name, target, outcome] of [
    ['leaves.png', outside, /a link that leaves/],
    ['device.png', '/dev/zero', /a link that leaves/],
    ['dangling.png', path.join(folder, 'nowhere.png'), /does not exist/],
    ['loop.png', path.join(folder, 'loop.png'), /loop|too many symbolic links/i],
  ] as const) {
    symlinkSync(target, path.join(folder, name));
    outcomes.set(name, outcome);
  }
  mkdirSync(path.join(folder, 'folder.png'));
  if (process.platform === 'win32') return;
  execFileSync('mkfifo', [path.join(folder, 'pipe.png')]);
  outcomes.set('pipe.png', /a device or a pipe/);
}

/** A Karpathy JSON file beside a folder of one picture, with names and captions as only an attacker writes them. */
export async function writeHostileList(folder: string): Promise<{ source: string; outcomes: Map<string, Outcome> }> {
  const secret = path.join(folder, 'secret.png');
  const images = path.join(folder, 'list', 'images');
  mkdirSync(images, { recursive: true });
  writeFileSync(path.join(images, 'good.png'), await picture(50));
  writeFileSync(secret, await picture(51));
  const leaves = /leaves the folder/;
  const entries: [filename: string, raw: string, outcome: Outcome][] = [
    ['good.png', 'a good one', ['a good one']],
    ['../../secret.png', 'up', leaves],
    ['b/../../../other.png', 'up', leaves],
    [secret, 'absolute', leaves],
    ['\0.png', 'no name', leaves],
    ['lone \u{D800}.png', 'half a character', /does not exist|not UTF-8/],
    ['n'.repeat(300), 'too long', /name too long|cannot be read/i],
    ['long.png', 'fox '.repeat(2 ** 18), /a caption has \d+ characters/],
  ];
  const listed = entries.map(([filename, raw]) => ({ filename, sentences: [{ raw }] }));
  const source = path.join(folder, 'list', 'list.json');
  writeFileSync(source, JSON.stringify({ images: [...listed, { filename: 'keys.png' }, null, 7] }));
  const outcomes = new Map(entries.map(([filename, , outcome]) => [filename, outcome]));
  for (const index of [entries.length, entries.length + 1, entries.length + 2]) {
    outcomes.set(`list.json:1: images[${index}]`, /expected/i);
  }
  return { source, outcomes };
}

/** A picture that no other number gives: small, and unlike the others to a perceptual hash too. */
export function picture(number: number, { width = 48, height = 32 } = {}): Promise<Buffer> {
  const pixels = Buffer.alloc(3 * width * height);
  let state = number + 1;
  for (let i = 0; i < pixels.length; i++) {
    state = (state * 48_271) % 0x7fffffff;
    pixels[i] = state & 0xff;
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 9 })
    .toBuffer();
}

/** A tiny file that says it is a picture of that size, of one bit a pixel. */
function pngOfSize(width: number, height: number): Buffer {
  const rows = Buffer.alloc((Math.ceil(width / 8) + 1) * 100);
  return pngOf({ width, height, depth: 1, rows, level: 9 });
}

/** A picture that says it is a square of another size. */
function withSize(png: Buffer, side: number): Buffer {
  const header = Buffer.from(png.subarray(16, 29));
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  return Buffer.concat([png.subarray(0, 8), pngChunk('IHDR', header), png.subarray(33)]);
}

function gifOfSize(width: number, height: number): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt16LE(width, 0);
  size.writeUInt16LE(height, 2);
  const palette = Buffer.from([0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
  const frame = [Buffer.from([0x2c, 0, 0, 0, 0]), size, Buffer.from([0, 2, 2, 0x4c, 1, 0])];
  return Buffer.concat([Buffer.from('GIF89a'), size, palette, ...frame, Buffer.from([0x3b])]);
}

/** EXIF whose directory points beyond its end, and says that it has 65,535 entries. */
function withBrokenExif(jpeg: Buffer): Buffer {
  const exif = Buffer.from('Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01\x03\0\xff\xff\xff\xff\xff\xff\xff\xff', 'latin1');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(exif.length + 2);
  return Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xe1]), length, exif, jpeg.subarray(2)]);
}
