import path from 'node:path';

/** One captioned image that a source lists; its file has not been opened. */
export interface SourceImage {
  /** Absolute path. */
  file: string;
  /** Path below the source's root, with forward slashes. */
  name: string;
  captions: string[];
  /** Which part of a benchmark it belongs to ("train", "test", …), where the source says. */
  split: string | null;
}

/** One entry of a source that cannot be used, and why. It never stops the rest. */
export interface SkippedImage {
  file: string;
  reason: string;
}

/** Captioned images in one dataset format. */
export interface Reader {
  /** Absolute folder, links resolved, that every image is below. */
  root: string;
  /** How many entries `entries` yields. */
  total: number;
  entries(): AsyncIterable<SourceImage | SkippedImage>;
}

/** The most characters of one caption. The model reads 40 tokens of them. */
export const MAX_CAPTION_LENGTH = 10_000;

/** The most captions of one image. */
export const MAX_CAPTIONS = 1000;

export function isSkipped(entry: SourceImage | SkippedImage): entry is SkippedImage {
  return 'reason' in entry;
}

/** Where a listed name lies, or null where it would leave the root. */
export function locate(root: string, name: string): { file: string; name: string } | null {
  if (name.includes('\0')) return null;
  const file = path.resolve(root, name);
  const relative = path.relative(root, file);
  if (relative === '' || relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative)) {
    return null;
  }
  return { file, name: relative.split(path.sep).join('/') };
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
