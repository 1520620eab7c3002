import { isUtf8 } from 'node:buffer';
import path from 'node:path';
import { PatchwordError } from '../../src/errors.js';
import type { Attributes, Scalar } from '../../src/filter.js';
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
  /** The name of the image; the file and line (or entry) where it gives no name, or one that another entry has. */
  file: string;
  reason: string;
  /**
   * The archive or table of which this is a damaged part. What was in the part is not known by name, so that nothing of the
   * file is gone only because it was not listed.
   */
  within?: string;
  /** Set where the listing has an entry here that cannot be read so far as to tell its image: it may be any. */
  nameless?: true;
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
  /**
   * Of archives and tables, by `location.file`: the modification time, in milliseconds since the epoch, as it was before it was
   * read where in them the pictures are. Filled while `entries` runs.
   */
  listed?: ReadonlyMap<string, number>;
  /** How many entries there are of which the source says that they could not be downloaded: they are not among the others. */
  passedOver?: number;
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

/** What a source is opened with besides, which is not kept with it. */
export interface OpeningOptions extends SourceOptions {
  /** Folders that are ours to write in: a source that holds them is read without. */
  except?: readonly string[];
}

export interface Columns {
  /** Path of the picture below the folder of pictures, or the picture itself. */
  image?: string;
  caption?: string;
  split?: string;
}

/** Formats by the name that `--format` takes, with what a user would call them after "Reading NAME as". */
export const FORMATS = {
  folder: 'a folder of pictures with .txt or .json beside them',
  karpathy: "Karpathy's JSON",
  coco: 'COCO captions JSON',
  albef: 'ALBEF/BLIP JSON',
  token: 'a Flickr .token file',
  flickr30k: 'Flickr30k results.csv',
  flickr8k: 'Flickr8k captions.txt',
  csv: 'a CSV table',
  tsv: 'a TSV table',
  jsonl: 'JSON Lines',
  webdataset: 'WebDataset tar files',
  img2dataset: 'img2dataset output',
  arrow: "ViLT's Arrow files",
  parquet: 'a Parquet table with pictures',
} as const;

export type Format = keyof typeof FORMATS;

/** The most characters of one caption. The model reads 40 tokens of them. */
export const MAX_CAPTION_LENGTH = 10_000;

/** The most captions of one image: with it they are what a store takes at once. */
export const MAX_CAPTIONS = STORE_LIMITS.batchItems - 1;

/** The most attributes of one image, and the most characters of their names and texts. */
export const ATTRIBUTE_LIMITS = { count: 100, name: 200, text: 10_000 } as const;

const MAX_SPLIT_LENGTH = 200;

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

/**
 * Attributes as they are stored: the JSON scalars of an object in its order, texts well-formed and cut at their limit.
 * Lists and objects are left out, as are names that are empty or too long and what comes after the first hundred.
 *
 * @param options.except names of what is no attribute
 */
export function cleanAttributes(
  values: Record<string, unknown>,
  { except = [] }: { except?: readonly (string | null)[] } = {},
): Attributes {
  const kept = new Map<string, Scalar>();
  for (const [key, value] of Object.entries(values)) {
    const name = toWellFormed(key);
    if (kept.size >= ATTRIBUTE_LIMITS.count) break;
    if (except.includes(key)) continue;
    if (name !== '' && name.length <= ATTRIBUTE_LIMITS.name && isScalar(value)) kept.set(name, cleanScalar(value));
  }
  // Unlike an assignment, this defines properties: `__proto__` is a name like any other.
  return Object.fromEntries(kept);
}

/** The split that a source says, where it says one: `restval` is the part of COCO's validation set that all train on. */
export function cleanSplit(value: unknown): { split: string | null } | { reason: string } {
  if (value === undefined || value === null) return { split: null };
  if (typeof value !== 'string') return { reason: `split: expected a string, got ${describeKind(value)}` };
  const split = cleanCaption(value);
  if (split.length > MAX_SPLIT_LENGTH) {
    return { reason: `split: it has ${split.length} characters; at most ${MAX_SPLIT_LENGTH} are read` };
  }
  return { split: split === 'restval' ? 'train' : split || null };
}

/** What a JSON value is, for a message: "a number". */
export function describeKind(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** UTF-8 to text, without a byte-order mark; null where the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  if (!isUtf8(bytes)) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** @throws PatchwordError INVALID_ARGUMENT where an option was given that a format has no use for */
export function refuseOptions(format: Format, options: Pick<SourceOptions, 'images' | 'columns'>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    throw new PatchwordError('INVALID_ARGUMENT', `--${name} is of no use to ${FORMATS[format]}.`, {
      hint: 'Leave it out, or name a file that lists pictures.',
    });
  }
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
}

function cleanScalar(value: Scalar): Scalar {
  if (typeof value === 'number') return value + 0; // JSON has no -0.
  if (typeof value !== 'string') return value;
  const { text } = ATTRIBUTE_LIMITS;
  return toWellFormed(value.length > text ? value.slice(0, text).replace(/[\uD800-\uDBFF]$/, '') : value);
}

/** Nothing to clean: words of ASCII with single spaces between them. */
const CLEAN = /^[!-~]+(?: [!-~]+)*$/;

function cleanCaption(text: string): string {
  if (CLEAN.test(text)) return text;
  return toWellFormed(text)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}

/** A lone surrogate would come back from the catalog as U+FFFD and look like a change at every run. */
function toWellFormed(text: string): string {
  if (!/[\uD800-\uDFFF]/.test(text)) return text;
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** Whether anything is left after the tokenizer removes controls, format characters and accents. */
function hasWord(text: string): boolean {
  return /[^\s\p{C}\p{M}\uFFFD]/u.test(text);
}
