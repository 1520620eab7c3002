import { messageOf } from '../../src/errors.js';
import { JsonCursor, type JsonSlice } from './cursor.js';

/** One entry of a list in a JSON file, and the line on which it begins; or why it cannot be used, and the line of that. */
export type JsonEntry = { index: number; line: number } & ({ value: unknown } | { reason: string });

export interface JsonListOptions {
  file: string;
  /** Which list of the object that the file holds. Default: the file holds a list. */
  key?: string;
  /** What such a file looks like, for the hint of an error. */
  layout: string;
}

/**
 * The entries of one list in a JSON file of any size: `JSON.parse` sees one entry at a time. Entries that it refuses, that
 * are not UTF-8, too long or too deeply nested are reported, and the rest is read.
 *
 * @throws PatchwordError FILE_NOT_FOUND; SOURCE_INVALID where the file, around its entries, is not JSON or has no such list
 */
export async function* readJsonList({ file, key, layout }: JsonListOptions): AsyncGenerator<JsonEntry> {
  const cursor = new JsonCursor({ file, layout });
  try {
    if (key === undefined) {
      await cursor.take('[');
      yield* readEntries(cursor);
    } else {
      yield* readMember(cursor, key);
    }
    await cursor.takeEnd();
  } finally {
    await cursor.close();
  }
}

/** The value of a JSON text, or why it is not one and, where that is known, on which of its lines. */
export function parseJson(text: string): { value: unknown } | { reason: string; line: number | null } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    const message = messageOf(error);
    const position = / at position (\d+)/.exec(message)?.[1];
    const end = message === 'Unexpected end of JSON input' ? text.length : position && Number(position);
    const line = end === undefined || end === '' ? null : text.slice(0, end).split('\n').length;
    return { reason: `it is not JSON: ${message.replace(/ in JSON at position.*$/, '')}`, line };
  }
}

async function* readMember(cursor: JsonCursor, key: string): AsyncGenerator<JsonEntry> {
  let found = false;
  await cursor.take('{');
  while (!(await cursor.takeIf('}'))) {
    const name = parseSlice(await cursor.takeValue());
    await cursor.take(':');
    if (!found && 'value' in name && name.value === key && (await cursor.takeIf('['))) {
      found = true;
      yield* readEntries(cursor);
    } else {
      await cursor.skipValue();
    }
    if (await cursor.takeIf(',')) continue;
    await cursor.take('}');
    break;
  }
  if (!found) throw cursor.invalid(`it has no list named "${key}"`);
}

async function* readEntries(cursor: JsonCursor): AsyncGenerator<JsonEntry> {
  for (let index = 0; !(await cursor.takeIf(']')); index += 1) {
    yield { index, ...parseSlice(await cursor.takeValue()) };
    if (await cursor.takeIf(',')) continue;
    await cursor.take(']');
    break;
  }
}

function parseSlice(slice: JsonSlice): { line: number } & ({ value: unknown } | { reason: string }) {
  if ('reason' in slice) return slice;
  const { line, text } = slice;
  const result = parseJson(text);
  return 'value' in result ? { line, ...result } : { line: line + (result.line ?? 1) - 1, reason: result.reason };
}
