import { messageOf } from '../../src/errors.js';
import { JsonCursor, type JsonSlice, LONG_NUMBER } from './cursor.js';

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

const LONG_DIGITS = new RegExp(`\\d{${LONG_NUMBER}}`);

/** The value of a JSON text, or why it is not one and on which of its lines. Integers that no number holds are strings. */
export function parseJson(
  json: string,
  { hasLongNumber = LONG_DIGITS.test(json) }: { hasLongNumber?: boolean } = {},
): { value: unknown } | { reason: string; line: number } {
  const text = hasLongNumber ? quoteIntegers(json) : json;
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    const message = messageOf(error);
    const what = message.replace(/ (in JSON )?at position.*$|, (\.\.\.)?".*"(\.\.\.)? is not valid JSON$/s, '');
    return { reason: `it is not JSON: ${what}`, line: lineOfFault(text, message) };
  }
}

/** Ids of 64 bits would come out as others. */
function quoteIntegers(json: string): string {
  let isText = false;
  return json.replace(/\\.|"|-?\d[\d.eE+-]*/gs, (token) => {
    if (token === '"') isText = !isText;
    const isLarge = !isText && /^-?[1-9]\d*$/.test(token) && !Number.isSafeInteger(Number(token));
    return isLarge ? `"${token}"` : token;
  });
}

const UNEXPECTED_TOKEN = /^Unexpected token/;

/** V8 says where a fault is, but for a token that it does not expect: there, the shortest text that still has it tells. */
function lineOfFault(text: string, message: string): number {
  const position = / at position (\d+)/.exec(message)?.[1];
  const lines = text.slice(0, position === undefined ? undefined : Number(position)).split('\n');
  if (!UNEXPECTED_TOKEN.test(message)) return lines.length;
  let [before, line] = [0, lines.length];
  while (line - before > 1) {
    const middle = (before + line) >> 1;
    if (UNEXPECTED_TOKEN.test(faultOf(lines.slice(0, middle).join('\n')))) line = middle;
    else before = middle;
  }
  return line;
}

/** What is wrong with a text; '' where nothing is. */
function faultOf(text: string): string {
  try {
    JSON.parse(text);
    return '';
  } catch (error) {
    return messageOf(error);
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
  const { line, text, hasLongNumber } = slice;
  const result = parseJson(text, { hasLongNumber });
  return 'value' in result ? { line, ...result } : { line: line + result.line - 1, reason: result.reason };
}
