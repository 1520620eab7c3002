/** What a file that is no image to Patchword is, where its first bytes tell, so that a refusal can say more than no. */
export interface Foreign {
  /** "a PDF document" */
  what: string;
  /** Why it is not read, where that is not plain. */
  why?: string;
  hint: string;
}

const CONVERT = 'Convert it to PNG or JPEG.';
const AGAIN = 'Download it again.';

const HEIC: Foreign = {
  what: 'HEIC',
  why:
    'HEIC is not read: its codec, HEVC, is patent-encumbered, so no decoder comes with Patchword; ' +
    'convert with "heif-convert photo.heic photo.jpg" (libheif) or "sips -s format jpeg" (macOS).',
  hint: 'Convert it to JPEG.',
};

const SVG: Foreign = {
  what: 'SVG',
  why:
    'SVG is a program for drawing, not a picture: it may run scripts and ask for other files; ' +
    'draw it with "rsvg-convert drawing.svg -o drawing.png" where you trust it.',
  hint: 'Convert it to PNG.',
};

const HTML: Foreign = { what: 'an HTML page, as servers send in place of a picture', hint: AGAIN };

/* eslint-disable no-control-regex -- bytes of a file, not text */
/** By their first bytes, in Latin-1. */
const SIGNATURES: [RegExp, Foreign][] = [
  [/^[^]{4}ftyp(?:[^]{4}){0,8}(?:hei[cmsx]|hev[cmsx]|mif1|msf1)/, HEIC],
  [/^[^]{4}ftyp/, { what: 'a video', hint: 'Extract its pictures.' }],
  [/^\x1aE\xdf\xa3/, { what: 'a video', hint: 'Extract its pictures.' }],
  [/^(?:\xff\x0a|\0\0\0\x0cJXL )/, { what: 'JPEG XL', hint: CONVERT }],
  [/^(?:\xff\x4f\xff\x51|\0\0\0\x0cjP {2})/, { what: 'JPEG 2000', hint: CONVERT }],
  [/^BM[^]{4}\0\0\0\0/, { what: 'a BMP bitmap', hint: CONVERT }],
  [/^\0\0[\x01\x02]\0/, { what: 'an icon', hint: CONVERT }],
  [/^P[1-7]\s/, { what: 'a PNM bitmap', hint: CONVERT }],
  [/^8BPS/, { what: 'a Photoshop document', hint: CONVERT }],
  [/^gimp xcf/, { what: 'a GIMP document', hint: CONVERT }],
  [/^%PDF-/, { what: 'a PDF document', hint: 'Extract its pictures.' }],
  [/^%!PS/, { what: 'PostScript', hint: CONVERT }],
  [/^PK\x03\x04/, { what: 'a ZIP archive', hint: 'Unpack it.' }],
  [/^\x1f\x8b/, { what: 'a gzip archive', hint: 'Unpack it.' }],
  [/^version https:\/\/git-lfs/, { what: 'a pointer of Git LFS', hint: 'Run "git lfs pull" where it came from.' }],
];
/* eslint-enable no-control-regex */

/** How far into a text it shows what it is. */
export const SNIFFED_BYTES = 1024;

/**
 * @param head the first bytes of a file, up to SNIFFED_BYTES
 * @returns null for what is not recognised
 */
export function recognizeForeign(head: Uint8Array): Foreign | null {
  const bytes = Buffer.from(head.subarray(0, SNIFFED_BYTES)).toString('latin1');
  const found = SIGNATURES.find(([signature]) => signature.test(bytes));
  if (found) return found[1];
  const text = bytes.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/^<(?:!doctype html|html)/i.test(text)) return HTML;
  if (!text.startsWith('<')) return null;
  if (/<(?:\w+:)?svg[\s>/]/i.test(text)) return SVG;
  if (/<(?:!doctype html|html|head|body|title|script)\b/i.test(text)) return HTML;
  return text.startsWith('<?xml') ? { what: 'an XML document', hint: AGAIN } : null;
}
