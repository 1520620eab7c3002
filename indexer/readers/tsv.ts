import path from 'node:path';
import { hasKnownHeader } from './csv.js';
import { readDelimited } from './delimited.js';
import { readHead } from './head.js';
import type { Reader, SourceOptions } from './reader.js';
import { openTable } from './table.js';

/**
 * Tab-separated values, the names of the columns in the first line.
 *
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID
 */
export function readTsv(options: SourceOptions & { path: string }): Promise<Reader> {
  const file = path.resolve(options.path);
  const records = () => readDelimited({ path: file, delimiter: '\t' });
  return openTable({ ...options, format: 'tsv', path: file, values: 'text', records });
}

export async function looksLikeTsv(file: string): Promise<boolean> {
  return hasKnownHeader(await readHead(file), '\t');
}
