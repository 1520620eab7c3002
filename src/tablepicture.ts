import { stat } from 'node:fs/promises';
import { explainSystemError } from './errors.js';
import type { Footer, Leaf, Page, ParquetFile } from './parquet.js';
import { Table } from './table.js';

/** Where a picture is in a table. */
export interface TableCell {
  file: string;
  row: number;
  column: string;
}

/** The pages of one leaf in one row group, with the first row of each in the group. */
interface Located {
  dictionary: Page | null;
  pages: { page: Page; start: number }[];
}

type Values = ArrayLike<unknown>;

/** What is kept of a table from one picture to the next: they are often asked for in the order of the rows. */
interface Kept {
  /** Tells the file from a later one of that name. */
  stamp: string;
  footer?: Footer;
  located: Map<string, Promise<Located>>;
  /** Pages being read, for all who ask for a picture of one at the same time. */
  reading: Map<Page, Promise<Values>>;
  /** The page read last, as long as nothing else wants the memory. */
  last?: { page: Page; values: WeakRef<Values> };
}

const KEPT_TABLES = 8;

const tables = new Map<string, Kept>();

/**
 * The bytes of one picture of a Parquet table: reads the page that holds it, not the column.
 *
 * @returns null where the row holds none, or there is no such row
 * @throws PatchwordError FILE_NOT_FOUND; SOURCE_INVALID where the file is no table, or has no such column
 */
export async function readTablePicture({ file, row, column }: TableCell): Promise<Uint8Array | null> {
  const kept = await recall(file);
  const table = await Table.open(file, kept.footer);
  try {
    kept.footer = table.parquet.footer;
    const group = table.groups.findIndex(({ start, rows }) => row >= start && row < start + rows);
    if (group < 0) return null;
    const { parquet } = table;
    const leaf = table.bytesOf(column);
    const { dictionary, pages } = await locate(kept, { parquet, group, leaf });
    const at = row - table.groups[group].start;
    const found = pages.findLast(({ start }) => start <= at);
    if (found === undefined || at >= found.start + found.page.values) return null;
    const values = await read(kept, { parquet, group, leaf, page: found.page, dictionary });
    const value = [values[at - found.start]].flat(Infinity)[0];
    return value instanceof Uint8Array ? value.slice() : null;
  } finally {
    await table.close();
  }
}

/** What is kept of a file as it is now. */
async function recall(file: string): Promise<Kept> {
  const { ino, size, mtimeMs } = await stat(file).catch((error: unknown) => {
    throw explainSystemError(error, file);
  });
  const stamp = [ino, size, mtimeMs].join(' ');
  const known = tables.get(file);
  const kept = known?.stamp === stamp ? known : { stamp, located: new Map(), reading: new Map() };
  // A Map keeps the order of insertion: the first is the one longest not asked for.
  tables.delete(file);
  tables.set(file, kept);
  for (const [oldest] of tables) if (tables.size > KEPT_TABLES) tables.delete(oldest);
  return kept;
}

function locate(kept: Kept, options: { parquet: ParquetFile; group: number; leaf: Leaf }): Promise<Located> {
  const { parquet, group, leaf } = options;
  const name = JSON.stringify([group, leaf.path]);
  return once(kept.located, name, async () => {
    const located: Located = { dictionary: null, pages: [] };
    let start = 0;
    for await (const page of parquet.pages(group, leaf)) {
      if (page.header.type === 'DICTIONARY_PAGE') located.dictionary = page;
      else located.pages.push({ page, start });
      start += page.values;
    }
    return located;
  });
}

async function read(
  kept: Kept,
  options: { parquet: ParquetFile; group: number; leaf: Leaf; page: Page; dictionary: Page | null },
): Promise<Values> {
  const { parquet, group, leaf, page } = options;
  const last = kept.last?.page === page ? kept.last.values.deref() : undefined;
  if (last) return last;
  const reading = once(kept.reading, page, async () => {
    const dictionary = page.fromDictionary ? options.dictionary : null;
    const entries = dictionary ? await parquet.readDictionary(group, leaf, dictionary) : undefined;
    return parquet.readValues(group, leaf, { page, dictionary: entries, waiting: [] });
  });
  const values = await reading.finally(() => kept.reading.delete(page));
  kept.last = { page, values: new WeakRef(values) };
  return values;
}

/** Makes a value that is not there yet. One that could not be made is made again when it is next asked for. */
function once<K, V>(values: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const known = values.get(key);
  if (known) return known;
  const made = make();
  values.set(key, made);
  made.catch(() => values.delete(key));
  return made;
}
