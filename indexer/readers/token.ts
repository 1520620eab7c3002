import { stat } from 'node:fs/promises';
import path from 'node:path';
import { PatchwordError } from '../../src/errors.js';
import { readHead } from './head.js';
import { readLines } from './line.js';
import { openListing } from './listing.js';
import { type Reader, refuseOptions, type SourceOptions } from './reader.js';
import type { Listed, Row } from './row.js';

/** Separators of Unicode are characters like any other (`s`). */
const ROW = /^(.+)#\d+\t(.*)$/s;

/** The lists of names that come with Flickr8k, and what their splits are called. */
const SPLIT_FILES = {
  'Flickr_8k.trainImages.txt': 'train',
  'Flickr_8k.devImages.txt': 'val',
  'Flickr_8k.testImages.txt': 'test',
} as const;

/** Theirs have 1,000 to 6,000 lines. */
const MAX_SPLIT_BYTES = 2 ** 24;

/**
 * The token files of Flickr8k and Flickr30k: `NAME#NUMBER`, a tab and a caption a line; splits from the lists beside it.
 *
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID
 */
export async function readToken({ path: given, images, columns }: SourceOptions & { path: string }): Promise<Reader> {
  refuseOptions('token', { columns });
  const file = path.resolve(given);
  const splits = await readSplits(path.dirname(file));
  const folders = ['Flicker8k_Dataset', 'Flickr8k_Dataset', 'flickr30k-images'];
  return openListing({
    format: 'token',
    path: file,
    images,
    folders: [
      '.',
      'images',
      ...folders,
      ...folders.map((folder) => `../${folder}`),
      '../Flickr8k_Dataset/Flicker8k_Dataset',
    ],
    repeats: 'merged',
    rows: () => readRows(file, splits),
  });
}

export async function looksLikeToken(file: string): Promise<boolean> {
  return /^\s*[^\n]+\.\w+#\d+\t/.test(await readHead(file));
}

async function readSplits(folder: string): Promise<ReadonlyMap<string, string>> {
  const splits = new Map<string, string>();
  for (const [name, split] of Object.entries(SPLIT_FILES)) {
    const file = path.join(folder, name);
    const status = await stat(file).catch(() => null);
    if (!status?.isFile()) continue;
    if (status.size > MAX_SPLIT_BYTES) {
      throw new PatchwordError(
        'SOURCE_INVALID',
        `${file} has ${status.size} bytes; up to ${MAX_SPLIT_BYTES} are read.`,
      );
    }
    for await (const line of readLines(file)) if ('text' in line) splits.set(line.text.trim(), split);
  }
  return splits;
}

async function* readRows(file: string, splits: ReadonlyMap<string, string>): AsyncGenerator<Listed> {
  const base = path.basename(file);
  for await (const { line, ...read } of readLines(file)) {
    yield { at: `${base}:${line}`, ...('text' in read ? readRow(read.text, splits) : read) };
  }
}

function readRow(text: string, splits: ReadonlyMap<string, string>): Row | { reason: string } {
  const [, name, caption] = ROW.exec(text) ?? [];
  if (name === undefined) return { reason: 'expected NAME#NUMBER, a tab and a caption' };
  return { name, captions: [caption], split: splits.get(name) ?? null, attributes: () => ({}) };
}
