import path from 'node:path';
import { readHead } from './head.js';
import { parseJson } from './json.js';
import { readLines } from './line.js';
import type { Reader, SourceOptions } from './reader.js';
import { asRecord } from './record.js';
import { openTable, recognizeColumns, type TableRecord } from './table.js';

/**
 * JSON Lines: an object a line.
 *
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID
 */
export function readJsonl(options: SourceOptions & { path: string }): Promise<Reader> {
  const file = path.resolve(options.path);
  return openTable({ ...options, format: 'jsonl', path: file, values: 'json', records: () => readObjects(file) });
}

export async function looksLikeJsonl(file: string): Promise<boolean> {
  const first = (await readHead(file)).split('\n').find((line) => line.trim() !== '') ?? '';
  const parsed = readObject(first);
  const { image, caption } = recognizeColumns('values' in parsed ? Object.keys(parsed.values) : []);
  return image !== undefined && caption !== undefined;
}

async function* readObjects(file: string): AsyncGenerator<TableRecord> {
  const base = path.basename(file);
  for await (const { line, ...read } of readLines(file)) {
    yield { at: `${base}:${line}`, ...('text' in read ? readObject(read.text) : read) };
  }
}

function readObject(text: string): { values: Record<string, unknown> } | { reason: string } {
  const parsed = parseJson(text);
  return 'value' in parsed ? asRecord(parsed.value) : { reason: parsed.reason };
}
