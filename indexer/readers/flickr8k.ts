import path from 'node:path';
import { readDelimited } from './delimited.js';
import { readHead } from './head.js';
import { type Reader, refuseOptions, type SourceOptions } from './reader.js';
import { openTable } from './table.js';

/**
 * The `captions.txt` of Flickr8k as Kaggle has it: comma-separated, `image,caption`, five lines an image, which is in `Images/`.
 *
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID
 */
export async function readFlickr8k({
  path: given,
  images,
  columns,
}: SourceOptions & { path: string }): Promise<Reader> {
  refuseOptions('flickr8k', { columns });
  const file = path.resolve(given);
  const records = () => readDelimited({ path: file, delimiter: ',' });
  return openTable({ format: 'flickr8k', path: file, images, values: 'text', records });
}

export async function looksLikeFlickr8k(file: string): Promise<boolean> {
  return /^image,caption\r?\n/.test(await readHead(file)) && file.endsWith('.txt');
}
