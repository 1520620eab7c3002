import path from 'node:path';
import { readHead } from './head.js';
import { readLines } from './line.js';
import { openListing } from './listing.js';
import { type Reader, refuseOptions, type SourceOptions } from './reader.js';
import type { Listed, Row } from './row.js';

const HEADER = /^image_name\s*\|\s*comment_number\s*\|\s*comment\s*$/;

const ROW = /^([^|]+)\|\s*\d+\s*\|(.*)$/s;

/** One row of the file that everybody has, the 19999th, lacks its second delimiter: "2199200615.jpg| 4   A dog runs …". */
const ROW_WITHOUT_DELIMITER = /^([^|]+)\|\s*\d+\s+(\S.*)$/s;

/**
 * The `results.csv` of Flickr30k as Kaggle has it: `image_name| comment_number| comment`, five lines an image.
 *
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID
 */
export async function readFlickr30k({
  path: given,
  images,
  columns,
}: SourceOptions & { path: string }): Promise<Reader> {
  refuseOptions('flickr30k', { columns });
  const file = path.resolve(given);
  return openListing({
    format: 'flickr30k',
    path: file,
    images,
    folders: ['.', 'images', 'flickr30k_images', 'flickr30k-images'],
    repeats: 'merged',
    rows: () => readRows(file),
  });
}

export async function looksLikeFlickr30k(file: string): Promise<boolean> {
  return HEADER.test((await readHead(file)).split(/\r?\n/, 1)[0]);
}

async function* readRows(file: string): AsyncGenerator<Listed> {
  const base = path.basename(file);
  for await (const { line, ...read } of readLines(file)) {
    const at = `${base}:${line}`;
    if ('reason' in read) yield { at, reason: read.reason };
    else if (!HEADER.test(read.text)) yield { at, ...readRow(read.text) };
  }
}

function readRow(text: string): Row | { reason: string } {
  const [, name, caption] = ROW.exec(text) ?? ROW_WITHOUT_DELIMITER.exec(text) ?? [];
  if (name === undefined) return { reason: 'expected NAME| NUMBER| CAPTION' };
  return { name: name.trim(), captions: [caption], split: null, attributes: () => ({}) };
}
