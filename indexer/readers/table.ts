import { PatchwordError } from '../../src/errors.js';
import { parseJson } from './json.js';
import { openListing } from './listing.js';
import { readCaptions } from './record.js';
import type { Row } from './row.js';
import { cleanAttributes, cleanSplit, type Columns, describeKind, type Format, type Reader } from './reader.js';

/** Names of columns that are recognised, whatever their case; the first that is there counts. */
export const COLUMN_NAMES: Record<keyof Columns, readonly string[]> = {
  image: ['image', 'image_path', 'filepath', 'file_name', 'filename', 'image_name', 'path'],
  caption: ['caption', 'captions', 'text', 'title', 'sentence', 'comment'],
  split: ['split'],
};

/** One row by the names of its columns, or why there is none. */
export type TableRecord = { at: string } & ({ values: Record<string, unknown> } | { reason: string });

export interface TableOptions {
  format: Format;
  /** Absolute path of the file. */
  path: string;
  images?: string | undefined;
  columns?: Columns | undefined;
  /** Of rows that say none. Default: null. */
  split?: string | null;
  /** Whether values are JSON's own, or text that may stand for a number, for true or false, or for nothing. */
  values: 'json' | 'text';
  /** Reads the file from its beginning at every call. */
  records: () => AsyncIterable<TableRecord>;
}

/** How many rows show which columns there are: a row of JSON need not have them all. */
const ROWS_LOOKED_AT = 100;

const COLUMNS_NAMED = 20;

/** Which columns hold what; null where there is none. */
interface ChosenColumns {
  image: string;
  caption: string | null;
  split: string | null;
}

/**
 * The images of a table with a column of paths and one of captions; other columns are attributes.
 *
 * @throws PatchwordError SOURCE_INVALID, also where the columns are not recognised or not there; what `records` throws
 */
export async function openTable(options: TableOptions): Promise<Reader> {
  const { format, path: file, images, records, values, split = null } = options;
  const columns = await chooseColumns(options);
  return openListing({
    format,
    path: file,
    images,
    folders: ['.', 'images', 'Images'],
    repeats: 'merged',
    async *rows() {
      for await (const record of records()) {
        if ('reason' in record) yield record;
        else if (columns !== null) yield { at: record.at, ...readRow(record.values, { columns, values, split }) };
      }
    },
  });
}

/** The names among these that are recognised as a picture's and a caption's. */
export function recognizeColumns(names: readonly string[]): Columns {
  const find = (known: readonly string[]) => {
    const name = known.find((one) => names.some((other) => other.toLowerCase() === one));
    return names.find((other) => other.toLowerCase() === name);
  };
  return Object.fromEntries(Object.entries(COLUMN_NAMES).map(([column, known]) => [column, find(known)]));
}

/** Null where there is no row to tell. */
async function chooseColumns({
  format,
  path: file,
  columns: named = {},
  records,
}: TableOptions): Promise<ChosenColumns | null> {
  const names = new Set<string>();
  let rows = 0;
  for await (const record of records()) {
    if ('reason' in record) continue;
    for (const name of Object.keys(record.values)) names.add(name);
    if ((rows += 1) >= ROWS_LOOKED_AT) break;
  }
  if (rows === 0) return null;
  const known = recognizeColumns([...names]);
  const way = format === 'flickr8k' ? '--format csv --columns' : '--columns';
  const lacks = (what: string, hint: string) => {
    const listed = [...names].slice(0, COLUMNS_NAMED).join(', ');
    return new PatchwordError('SOURCE_INVALID', `${file}:1: there is no column ${what}; there are ${listed}.`, {
      hint,
    });
  };
  for (const name of Object.values({ ...named } as Record<string, string | undefined>)) {
    if (name !== undefined && !names.has(name)) throw lacks(`"${name}"`, 'Name one of them with --columns.');
  }
  const { image, caption, split } = { ...known, ...named };
  if (image === undefined) {
    const divider = names.size === 1 ? /[;|]/.exec([...names][0])?.[0] : undefined;
    const hint = divider
      ? `Its columns are divided by "${divider}"; save it with commas between them.`
      : `Name the column of their paths with ${way} image=NAME.`;
    throw lacks(`of pictures that is recognised (${COLUMN_NAMES.image.join(', ')})`, hint);
  }
  if (caption === undefined && named.image === undefined) {
    const hint = `Name it with ${way} caption=NAME, or, where pictures have no captions, only ${way} image=${image}.`;
    throw lacks(`of captions that is recognised (${COLUMN_NAMES.caption.join(', ')})`, hint);
  }
  return { image, caption: caption ?? null, split: split ?? null };
}

interface Reading {
  columns: ChosenColumns;
  values: 'json' | 'text';
  split: string | null;
}

function readRow(record: Record<string, unknown>, reading: Reading): Row | { name?: string; reason: string } {
  const { image } = reading.columns;
  const name = record[image];
  if (typeof name !== 'string') return { reason: `${image}: expected a string, got ${describeKind(name)}` };
  return name.trim() === '' ? { reason: `${image}: it is empty` } : { name, ...readLabels(record, reading) };
}

function readLabels(
  record: Record<string, unknown>,
  { columns, values, split }: Reading,
): Omit<Row, 'name'> | { reason: string } {
  const said = columns.caption === null ? undefined : record[columns.caption];
  const captions = readCaptions(columns.caption ?? '', values === 'text' ? listOf(said) : said);
  if ('reason' in captions) return captions;
  const cleaned = cleanSplit(columns.split === null ? undefined : record[columns.split]);
  if ('reason' in cleaned) return cleaned;
  const except = Object.values(columns) as (string | null)[];
  const attributes = () => cleanAttributes(values === 'text' ? mapValues(record, scalarOf) : record, { except });
  return { ...captions, split: cleaned.split ?? split, attributes };
}

/** Some tables have all captions of an image in one cell, as a list in JSON. */
function listOf(cell: unknown): unknown {
  if (typeof cell !== 'string' || !cell.startsWith('[')) return cell;
  const parsed = parseJson(cell);
  return 'value' in parsed && 'captions' in readCaptions('', parsed.value) ? parsed.value : cell;
}

/** What the text of a cell stands for; undefined where it is empty. A number that would be written otherwise is a text. */
function scalarOf(cell: unknown): unknown {
  if (cell === '') return undefined;
  const number = Number(cell);
  if (Number.isFinite(number) && String(number) === cell) return number;
  const word = String(cell).toLowerCase();
  return word === 'true' || word === 'false' ? word === 'true' : cell;
}

function mapValues(record: Record<string, unknown>, map: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}
