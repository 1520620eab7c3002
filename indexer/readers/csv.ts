import path from 'node:path';
import { readDelimited } from './delimited.js';
import { readHead } from './head.js';
import type { Reader, SourceOptions } from './reader.js';
import { openTable, recognizeColumns } from './table.js';

/**
 * Comma-separated values, the names of the columns in the first line.
 *
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID
 */
export function readCsv(options: SourceOptions & { path: string }): Promise<Reader> {
  const file = path.resolve(options.path);
  const records = () => readDelimited({ path: file, delimiter: ',' });
  return openTable({ ...options, format: 'csv', path: file, values: 'text', records });
}

export async function looksLikeCsv(file: string): Promise<boolean> {
  return hasKnownHeader(await readHead(file), ',');
}

/** Whether the first line names columns that are recognised as a picture's and a caption's. */
export function hasKnownHeader(head: string, delimiter: string): boolean {
  const names = (head.split('\n', 1)[0] ?? '').split(delimiter).map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
  const { image, caption } = recognizeColumns(names);
  return image !== undefined && caption !== undefined;
}
