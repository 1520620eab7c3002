import { crc32, deflateSync } from 'node:zlib';

/** A form with an upload. */
export function form(
  image: Uint8Array | null,
  fields: Record<string, string> = {},
  name = 'image',
  fileName = 'a.jpg',
): FormData {
  const data = new FormData();
  for (const [key, value] of Object.entries(fields)) data.append(key, value);
  if (image) data.append(name, new Blob([Uint8Array.from(image)]), fileName);
  return data;
}

/** A square of black or white pixels, eight a byte. */
export function whitePng(size: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header[8] = 1; // one bit a pixel, gray
  const rows = Buffer.alloc(size * (1 + size / 8), 0xff);
  for (let row = 0; row < size; row++) rows[row * (1 + size / 8)] = 0; // no filter
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
