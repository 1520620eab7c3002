import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PatchwordError, type ErrorCode } from '../../../src/errors.js';
import { decodeImage, IMAGE_LIMITS, openImage, prepareImage } from '../../../src/vilt/image.js';
import { fixture, temporaryFolder } from '../../fixture.js';
import { pngOf } from '../../png.js';
import { readGolden } from '../../safetensors.js';

const VILT = { shortestEdge: 384, sizeDivisor: 32 };
const picture = (name: string) => fixture('preprocess', name);

describe('decodeImage, bad input', () => {
  const folder = temporaryFolder();
  const write = (name: string, bytes: string | Uint8Array) => {
    const file = path.join(folder.path, name);
    writeFileSync(file, bytes);
    return file;
  };
  const jpeg = readFileSync(picture('flickr_500x375.jpg'));
  const png = readFileSync(picture('small_90x60.png'));

  it('says that a file is not there', async () => {
    const file = path.join(folder.path, 'nothing.jpg');
    await refuses(file, 'FILE_NOT_FOUND', `${file} does not exist.`);
    await refuses(path.join(write('plain', 'x'), 'below.jpg'), 'FILE_NOT_FOUND', /does not exist/);
  });

  it('says that a path cannot be read', async () => {
    await refuses('a\0b.jpg', 'FILE_NOT_FOUND', /cannot be read/);
    await refuses(path.join(folder.path, 'n'.repeat(300)), 'FILE_NOT_FOUND', /cannot be read/);
  });

  it('refuses a folder and a device', async () => {
    const sub = path.join(folder.path, 'folder.jpg');
    mkdirSync(sub);
    await refuses(sub, 'IMAGE_UNREADABLE', `${sub} is a folder; expected an image file.`);
    await refuses('/dev/zero', 'IMAGE_UNREADABLE', /device/);
  });

  it('refuses an empty file, and no bytes', async () => {
    await refuses(write('empty.jpg', ''), 'IMAGE_UNREADABLE', /empty\.jpg is empty/);
    await refuses(new Uint8Array(), 'IMAGE_UNREADABLE', 'The image is empty; expected an image.');
  });

  const foreign: Record<string, string | Buffer> = {
    'text.jpg': 'This is not a picture.\n',
    'vector.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
    'vector.png': '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    'plain.ppm': 'P3 1 1 255 1 2 3\n',
    'document.pdf': '%PDF-1.4\n',
    'photo.heic': Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'),
    'one-byte.png': Buffer.from([0x89]),
  };
  for (const [name, content] of Object.entries(foreign)) {
    it(`refuses what is no JPEG, PNG, WebP, AVIF, GIF or TIFF by its content: ${name}`, async () => {
      await refuses(write(name, content), 'IMAGE_UNREADABLE', /expected one of JPEG, PNG, WebP, AVIF, GIF, TIFF/);
    });
  }

  for (const name of [
    'flickr_500x375.jpg',
    'small_90x60.png',
    'decode/subsampled.jpg',
    'decode/progressive.jpg',
    'decode/alpha.webp',
    'decode/palette.gif',
    'decode/lzw.tif',
    'decode/cmyk_black.jpg',
  ]) {
    // prettier-ignore
    it(`fails on a truncated file rather than fill it with gray: ${name}`, async () => {
      const bytes = readFileSync(picture(name));
      for (const part of [0.02, 0.3, 0.6, 0.9, 0.97]) {
        const file = write(path.basename(name), bytes.subarray(0, Math.floor(bytes.length * part)));
        await refuses(file, 'IMAGE_UNREADABLE', /^[^\n]* is damaged, cut short or of an unsupported kind: [^\n]+\.$/);
      }
    });
  }

  it('fails on a JPEG that was cut and closed', async () => {
    const closed = Buffer.concat([jpeg.subarray(0, jpeg.length >> 1), Buffer.from([0xff, 0xd9])]);
    await refuses(closed, 'IMAGE_UNREADABLE', /The image is damaged.*premature end/);
  });

  it('fails on damage in the middle', async () => {
    const damaged = Buffer.from(png);
    damaged.fill(0x55, damaged.length >> 1, (damaged.length >> 1) + 40);
    await refuses(damaged, 'IMAGE_UNREADABLE', /damaged/);
  });

  it('gives the reason of the decoder, not its preliminaries', async () => {
    const avif = readFileSync(picture('decode/photo.avif'));
    await refuses(avif.subarray(0, avif.length >> 1), 'IMAGE_UNREADABLE', /kind: heif: .*Unexpected end of file/);
  });

  it('says that an image took too long', async () => {
    const tooLong = openImage(jpeg, { seconds: 7 }, () =>
      Promise.reject(new Error('source: bad seek\ntimeout: 9% complete')),
    );
    await assert.rejects(tooLong, { code: 'IMAGE_TOO_LARGE', message: 'The image takes longer than 7 s to decode.' });
  });

  it('refuses too many pixels before decoding them', async () => {
    const file = write('huge.png', emptyPng(20_000, 20_000));
    await refuses(file, 'IMAGE_TOO_LARGE', /huge\.png is 20000x20000 \(400\.0 megapixels\); images of at most 64\.0/);
    await refuses(emptyPng(10_000, 10_000), 'IMAGE_TOO_LARGE', /^The image is 10000x10000/);
    await refuses(emptyPng(70_000, 2), 'IMAGE_TOO_LARGE', /65535 pixels a side/);
    await refuses(jpegOfSize(jpeg, 60_000, 60_000), 'IMAGE_TOO_LARGE', /60000x60000/);
  });

  it('refuses too many bytes before reading them', async () => {
    await refuses(picture('small_90x60.png'), 'IMAGE_TOO_LARGE', /0\.0 MiB; images of at most 0\.0/, { bytes: 12_183 });
    await decodeImage(picture('small_90x60.png'), { bytes: 12_184 });
    await refuses(new Uint8Array(IMAGE_LIMITS.bytes + 1), 'IMAGE_TOO_LARGE', /64\.0 MiB/);
  });

  it('keeps to the limits of the caller', async () => {
    await refuses(picture('small_90x60.png'), 'IMAGE_TOO_LARGE', /90x60/, { pixels: 90 * 60 - 1 });
    await refuses(picture('small_90x60.png'), 'IMAGE_TOO_LARGE', /89 pixels a side/, { side: 89 });
    await decodeImage(picture('small_90x60.png'), { pixels: 90 * 60, side: 90 });
  });

  it('reads past what harms no pixel of a TIFF: a text without its end, tags out of order', async () => {
    const file = picture('decode/lzw.tif');
    const expected = (await decodeImage(file)).pixels;
    for (const sorted of [true, false]) {
      const odd = withSoftware(readFileSync(file), { name: 'scanner!', sorted });
      assert.ok(Buffer.compare((await decodeImage(odd)).pixels, expected) === 0, `${sorted}`);
    }
  });

  it('reads past what harms no pixel: stray bytes in the header, something after the end', async () => {
    const scan = jpeg.indexOf(Buffer.from([0xff, 0xda]));
    const stray = Buffer.concat([jpeg.subarray(0, scan), Buffer.from([1, 2, 3]), jpeg.subarray(scan)]);
    const expected = (await decodeImage(jpeg)).pixels;
    assert.ok(Buffer.compare((await decodeImage(stray)).pixels, expected) === 0);
    assert.ok(Buffer.compare((await decodeImage(Buffer.concat([jpeg, Buffer.from('tail')]))).pixels, expected) === 0);
  });

  it('reads a picture whose EXIF is broken', async () => {
    const expected = (await decodeImage(jpeg)).pixels;
    for (const exif of ['II*\0\xff\xff\xff\x7f', 'garbage', 'MM\0*\0\0\0\x08\xff\xff\x01\x12']) {
      const payload = Buffer.from(`Exif\0\0${exif}`, 'latin1');
      const segment = Buffer.from([0xff, 0xe1, 0, payload.length + 2]);
      const image = await decodeImage(Buffer.concat([jpeg.subarray(0, 2), segment, payload, jpeg.subarray(2)]));
      assert.ok(Buffer.compare(image.pixels, expected) === 0);
    }
  });

  async function refuses(
    source: string | Uint8Array,
    code: ErrorCode,
    message: string | RegExp,
    limits?: Partial<typeof IMAGE_LIMITS>,
  ) {
    await assert.rejects(decodeImage(source, limits), (error) => {
      assert.ok(error instanceof PatchwordError, String(error));
      assert.equal(error.code, code, error.message);
      if (typeof message === 'string') assert.equal(error.message, message);
      else assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  }
});

describe('decodeImage', () => {
  const expected = readGolden(picture('decode/expected.safetensors'));

  it('has a picture for every trap', () => {
    const pictures = readdirSync(picture('decode')).filter((name) => /\.(png|jpg|webp|gif|tif|avif)$/.test(name));
    assert.deepEqual([...expected.keys()].sort(), pictures.sort());
  });

  for (const [name, { shape, data }] of expected) {
    it(`reads ${name} as Pillow does`, async () => {
      const { width, height, pixels } = await decodeImage(picture(`decode/${name}`));
      assert.deepEqual([height, width, 3], shape);
      const isLossy = /jpg|lossy|avif/.test(name); // decoders may differ by a rounding
      const { largest, mean } = difference(pixels, data as Uint8Array);
      assert.ok(largest <= (isLossy ? 2 : 0) && mean <= 0.6, `largest ${largest}, mean ${mean}`);
    });
  }

  it('reads bytes as it reads files, also bytes within a larger buffer', async () => {
    const file = picture('small_90x60.png');
    const bytes = readFileSync(file);
    const padded = Buffer.concat([Buffer.alloc(5), bytes, Buffer.alloc(5)]);
    const { pixels } = await decodeImage(file);
    assert.deepEqual((await decodeImage(bytes)).pixels, pixels);
    assert.deepEqual(
      (await decodeImage(new Uint8Array(padded.buffer, padded.byteOffset + 5, bytes.length))).pixels,
      pixels,
    );
  });
});

describe('prepareImage', () => {
  const expected = readGolden(picture('expected_u8_chw.safetensors.gz'));

  for (const [name, { shape, data }] of expected) {
    it(`gives the model what the reference gives it: ${name}`, async () => {
      const { modelInput } = await prepareImage(picture(name), VILT);
      assert.deepEqual([3, modelInput.height, modelInput.width], shape);
      const { largest, mean } = difference(modelInput.pixels, data as Uint8Array);
      if (name.endsWith('.png')) assert.ok(largest <= 1 && mean <= 0.05, `largest ${largest}, mean ${mean}`);
      else assert.ok(mean <= (name.startsWith('cmyk') ? 1 : 0.6), `mean ${mean}`);
    });
  }

  it('gives the size of the upright original', async () => {
    const { width, height } = await prepareImage(picture('exif6_480x640.jpg'), VILT);
    assert.deepEqual({ width, height }, { width: 640, height: 480 });
  });

  it('gives pixels that may be transferred to another thread', async () => {
    for (const name of ['square_384.png', 'small_90x60.png']) {
      const { pixels } = (await prepareImage(picture(name), VILT)).modelInput;
      assert.equal(pixels.buffer.byteLength, pixels.length);
    }
  });

  it('keeps one patch of a very long picture', async () => {
    for (const [width, height] of [
      [1, 700],
      [700, 1],
      [1, 1],
      [40_000, 2],
    ]) {
      // prettier-ignore
      const { modelInput } = await prepareImage(solidPng(width, height, 77), VILT);
      assert.equal(Math.min(modelInput.width, modelInput.height), width === height ? 384 : 32);
      assert.equal(Math.max(modelInput.width, modelInput.height), width === height ? 384 : 608);
      assert.equal(modelInput.pixels.length, 3 * modelInput.width * modelInput.height);
      assert.ok(modelInput.pixels.every((value) => value === 77));
    }
  });
});

function difference(a: Uint8Array, b: Uint8Array): { largest: number; mean: number } {
  assert.equal(a.length, b.length);
  let largest = 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const delta = Math.abs(a[i] - b[i]);
    largest = Math.max(largest, delta);
    sum += delta;
  }
  return { largest, mean: sum / a.length };
}

/** Claims a size and holds no pixel. */
function emptyPng(width: number, height: number): Buffer {
  return pngOf({ width, height, rows: Buffer.alloc(0) });
}

function solidPng(width: number, height: number, level: number): Buffer {
  const rows = Buffer.alloc(height * (1 + width), level);
  for (let y = 0; y < height; y++) rows[y * (1 + width)] = 0; // no filter
  return pngOf({ width, height, rows });
}

/** A JPEG whose frame header claims another size. */
function jpegOfSize(jpeg: Buffer, width: number, height: number): Buffer {
  const claimed = Buffer.from(jpeg);
  const frame = claimed.indexOf(Buffer.from([0xff, 0xc0]));
  claimed.writeUInt16BE(height, frame + 5);
  claimed.writeUInt16BE(width, frame + 7);
  return claimed;
}

/** A little-endian TIFF whose directory has one tag more, Software, without the zero that should end it. */
function withSoftware(tiff: Buffer, { name, sorted }: { name: string; sorted: boolean }): Buffer {
  assert.equal(tiff.toString('latin1', 0, 2), 'II');
  const at = tiff.readUInt32LE(4);
  const count = tiff.readUInt16LE(at);
  const entries = Array.from({ length: count }, (_, i) => tiff.subarray(at + 2 + 12 * i, at + 14 + 12 * i));
  const software = Buffer.alloc(12);
  software.writeUInt16LE(305, 0);
  software.writeUInt16LE(2, 2); // text
  software.writeUInt32LE(name.length, 4);
  software.writeUInt32LE(tiff.length, 8);
  const place = sorted ? entries.findIndex((entry) => entry.readUInt16LE(0) > 305) : 0;
  entries.splice(place < 0 ? count : place, 0, software);
  const directory = Buffer.concat([Buffer.alloc(2), ...entries, Buffer.alloc(4)]);
  directory.writeUInt16LE(count + 1, 0);
  const head = Buffer.from(tiff);
  const padding = Buffer.alloc((tiff.length + name.length) % 2); // directories begin at even places
  head.writeUInt32LE(tiff.length + name.length + padding.length, 4);
  return Buffer.concat([head, Buffer.from(name, 'latin1'), padding, directory]);
}
