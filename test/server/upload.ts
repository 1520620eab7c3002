import { pngOf } from '../png.js';

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
  const rows = Buffer.alloc(size * (1 + size / 8), 0xff);
  for (let row = 0; row < size; row++) rows[row * (1 + size / 8)] = 0; // no filter
  return pngOf({ width: size, height: size, depth: 1, rows });
}
