import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

export interface PngOptions {
  width: number;
  height: number;
  /** Bits of a value. */
  depth?: number;
  color?: 'gray' | 'rgb';
  /** Each a byte for its filter (0: none) and then its values; fewer than `height`, and the picture lacks them. */
  rows: Buffer;
  /** Of compression, 0 to 9. */
  level?: number;
}

/** A PNG file, made without an encoder: it may be larger than one would make, or lack what it claims. */
export function pngOf({ width, height, depth = 8, color = 'gray', rows, level }: PngOptions): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  header[9] = color === 'gray' ? 0 : 2;
  const data = deflateSync(rows, { level });
  return Buffer.concat([SIGNATURE, pngChunk('IHDR', header), pngChunk('IDAT', data), pngChunk('IEND')]);
}

export function pngChunk(type: string, data: Buffer = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
