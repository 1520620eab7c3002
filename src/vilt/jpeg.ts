import type { Size } from './resize.js';

/** Frame headers by marker: SOF0 to SOF15, without the tables that are numbered among them. */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Markers without a length. */
const isAlone = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

/**
 * The size of a JPEG whose frame is gray or of three colours, 8 bits each, without asking a decoder: most pictures are
 * such, and asking costs as much as a tenth of decoding one.
 *
 * @returns null for all others, damaged ones among them
 */
export function readJpegSize(bytes: Uint8Array): Size | null {
  const { buffer, byteOffset, byteLength } = bytes;
  const view = new DataView(buffer, byteOffset, byteLength);
  for (let at = 2; at + 4 <= byteLength;) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1];
    if (marker === 0xff || isAlone(marker)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    const length = view.getUint16(at + 2);
    if (marker === 0xda || marker === 0xd9 || length < 2) return null;
    if (isFrame(marker)) {
      if (length < 8 || at + 10 > byteLength) return null;
      const [bits, components] = [bytes[at + 4], bytes[at + 9]];
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
      const plain = bits === 8 && (components === 1 || components === 3) && width > 0 && height > 0;
      return plain ? { width, height } : null;
    }
    at += 2 + length;
  }
  return null;
}
