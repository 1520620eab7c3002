import path from 'node:path';
import type { Attributes } from '../../src/filter.js';
import type { ImageLocation } from '../../src/original.js';
import { STORE_LIMITS } from '../../src/store/store.js';

/** One captioned image that a source lists; its bytes have not been looked at, unless the format holds them in a table. */
export interface SourceImage {
  /** What the image is called, unlike any other of its source: a path below the root, or ARCHIVE/MEMBER. Forward slashes. */
  name: string;
  location: ImageLocation;
  /** The encoded image, where reading the source has brought it along: the row of a table. */
  bytes?: Uint8Array;
  captions: string[];
  /** Which part of a benchmark it belongs to ("train", "test", …), where the source says. */
  split: string | null;
  /** What else the source says of it. */
  attributes: Attributes;
}

/** One entry of a source that cannot be used, and why. It never stops the rest. */
export interface SkippedImage {
  /** The name of the image; where there is none, the file and line (or entry) that should have given it. */
  file: string;
  reason: string;
}

/** Captioned images in one dataset format. */
export interface Reader {
  /** The format, by the name that `--format` takes. */
  format: Format;
  /** Absolute path of what was opened: a folder, or the file that lists the images. Tells this source from others. */
  path: string;
  /** Absolute folder, links resolved, that every location is below. */
  root: string;
  /** How many entries `entries` yields; null where only reading all of it would tell. */
  total: number | null;
  /** Streams, with bounded memory: the next entry is read when it is asked for. */
  entries(): AsyncIterable<SourceImage | SkippedImage>;
}

/** What a user may say of a source. A reader refuses what it cannot use. */
export interface SourceOptions {
  /** Default: detected. */
  format?: Format;
  /** Folder of the pictures, where a file lists them. Default: beside it, or in `images/` beside it, or as the format has it. */
  images?: string;
  /** Which columns (or keys) of a table hold what, where they are not recognised by name. */
  columns?: Columns;
}

export interface Columns {
  /** Path of the picture below the folder of pictures, or the picture itself. */
  image?: string;
  caption?: string;
  split?: string;
}

/** Formats by the name that `--format` takes, with what a user would call them. */
export const FORMATS = {
  folder: 'folder of pictures with .txt or .json beside them',
  karpathy: "Karpathy's JSON",
  coco: 'COCO captions JSON',
  albef: 'ALBEF/BLIP JSON',
  token: 'Flickr .token file',
  flickr30k: 'Flickr30k results.csv',
  flickr8k: 'Flickr8k captions.txt',
  csv: 'CSV table',
  tsv: 'TSV table',
  jsonl: 'JSON Lines',
  webdataset: 'WebDataset tar files',
  img2dataset: 'img2dataset output',
  arrow: "ViLT's Arrow files",
  parquet: 'Parquet table with pictures',
} as const;

export type Format = keyof typeof FORMATS;

/** The most characters of one caption. The model reads 40 tokens of them. */
export const MAX_CAPTION_LENGTH = 10_000;

/** The most captions of one image: with it they are what a store takes at once. */
export const MAX_CAPTIONS = STORE_LIMITS.batchItems - 1;

export function isSkipped(entry: SourceImage | SkippedImage): entry is SkippedImage {
  return 'reason' in entry;
}

/** Where a listed name lies, or null where it would leave the root. */
export function locate(root: string, name: string): { name: string; location: { file: string } } | null {
  if (name.includes('\0')) return null;
  const file = path.resolve(root, name);
  const relative = path.relative(root, file);
  if (relative === '' || relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative)) {
    return null;
  }
  const below = relative.split(path.sep).join('/');
  return { name: below, location: { file: below } };
}

/**
 * Captions as they are stored: well-formed Unicode on one line each, without those that hold no word.
 * Returns a reason instead where one is too long or there are too many.
 */
export function cleanCaptions(texts: string[]): { captions: string[] } | { reason: string } {
  const longest = texts.reduce((length, text) => Math.max(length, text.length), 0);
  if (longest > MAX_CAPTION_LENGTH) {
    return { reason: `a caption has ${longest} characters; at most ${MAX_CAPTION_LENGTH} are read` };
  }
  const captions = texts.map(cleanCaption).filter(hasWord);
  if (captions.length > MAX_CAPTIONS) {
    return { reason: `it has ${captions.length} captions; at most ${MAX_CAPTIONS} are read` };
  }
  return { captions };
}

/** UTF-8 to text, without a byte-order mark; null where the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function cleanCaption(text: string): string {
  // A lone surrogate would come back from the catalog as U+FFFD and look like a change at every run.
  const wellFormed = Buffer.from(text, 'utf8').toString('utf8');
  return wellFormed.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

/** Whether anything is left after the tokenizer removes controls, format characters and accents. */
function hasWord(text: string): boolean {
  return /[^\s\p{C}\p{M}\uFFFD]/u.test(text);
}
