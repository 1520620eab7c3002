import path from 'node:path';
import { messageOf, PatchwordError } from '../../src/errors.js';
import { isParquet } from '../../src/footer.js';
import { type Cell, Table, type TablePicture } from '../../src/table.js';
import { IMAGE_LIMITS } from '../../src/vilt/limits.js';
import { choosePictureColumns, columnsRead, type PictureColumns, RowImages } from './picturetable.js';
import {
  type Columns,
  type OpeningOptions,
  type Reader,
  refuseOptions,
  type SkippedImage,
  type SourceImage,
} from './reader.js';
import { findShards, hasShard, openShards } from './shards.js';

const FILE_NAMES = /\.parquet$/i;

/** By these a table that img2dataset wrote is told. It has a row for all that it tried to download. */
const DOWNLOAD_COLUMNS = ['url', 'key', 'status', 'error_message'];

/** Hugging Face datasets name the split in the file: `train-00000-of-00002.parquet`. */
const SPLIT_NAME = /(?:^|\/)([A-Za-z]\w*)-\d+-of-\d+[^/]*$/;

/**
 * Parquet with the pictures in it: a column of bytes, or of structs of bytes and a path as Hugging Face datasets have it; a
 * column of captions, each a string or a list of strings; perhaps one of splits. Other scalars are attributes. Takes one file,
 * or a folder of them.
 *
 * @throws PatchwordError FILE_NOT_FOUND, INVALID_ARGUMENT; SOURCE_INVALID where there is no file with pictures
 */
export async function readParquet(options: OpeningOptions & { path: string }): Promise<Reader> {
  const { images, columns, except } = options;
  refuseOptions('parquet', { images });
  const shards = await findShards({ path: options.path, names: FILE_NAMES, format: 'parquet', except });
  const opened = await openShards(shards, {
    survey: (file) => countRows(path.join(shards.root, file), columns),
    read: (file) => readRows(shards.root, { file, columns }),
  });
  return { format: 'parquet', ...opened };
}

/** Whether a file is Parquet, or one of the first of a folder is, with a column of pictures. */
export function looksLikeParquet(source: string, except?: readonly string[]): Promise<boolean> {
  const fits = async (file: string) => {
    if (!(await isParquet(file))) return false;
    if (file !== source) await countRows(file, undefined);
    return true;
  };
  return hasShard(source, { names: FILE_NAMES, except, fits });
}

/** How many entries a table has; null where only reading it would tell. */
async function countRows(file: string, named: Columns | undefined): Promise<number | null> {
  const table = await Table.open(file);
  try {
    choosePictureColumns(file, table.columns, named);
    return isOfDownloads(table) ? null : table.groups.reduce((sum, { rows }) => sum + rows, 0);
  } finally {
    await table.close();
  }
}

/**
 * The images of one table. Of img2dataset's, rows of what could not be downloaded are passed over.
 *
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID
 */
export async function* readRows(
  root: string,
  options: { file: string; columns: Columns | undefined },
): AsyncGenerator<SourceImage | SkippedImage> {
  const { file } = options;
  const table = await Table.open(path.join(root, file));
  try {
    const columns = choosePictureColumns(file, table.columns, options.columns);
    const images = new RowImages({ file, columns, split: SPLIT_NAME.exec(file)?.[1] ?? null });
    for (const [group, { start, rows }] of table.groups.entries()) {
      try {
        yield* readGroup(table, { file, group, columns, images });
      } catch (error) {
        if (!(error instanceof PatchwordError)) throw error;
        // The rows before have been read, and other groups may be whole.
        yield { file: `${file}:${start}-${start + rows - 1}`, reason: messageOf(error), within: file };
      }
    }
  } finally {
    await table.close();
  }
}

async function* readGroup(
  table: Table,
  options: { file: string; group: number; columns: PictureColumns; images: RowImages },
): AsyncGenerator<SourceImage | SkippedImage> {
  const { file, group, columns, images } = options;
  const read = columnsRead(table.columns, columns);
  const isPartial = isOfDownloads(table);
  let { start: row } = table.groups[group];
  for await (const [cell, ...others] of table.rows(group, [columns.image, ...read])) {
    const cells = new Map(read.map((name, i) => [name, others[i]]));
    if (!isPartial || cells.get('status') === 'success') {
      const { bytes, path: named } = pictureOf(cell);
      const location = { file, row, column: columns.image };
      // A copy: what comes along are views of a page, which would stay in memory for each of its pictures.
      const brought = bytes && bytes.length <= IMAGE_LIMITS.bytes ? { bytes: bytes.slice() } : {};
      yield images.read({ row, cells, path: named, picture: bytes && { location, ...brought } });
    }
    row += 1;
  }
}

function isOfDownloads({ columns }: Table): boolean {
  return DOWNLOAD_COLUMNS.every((name) => columns.some((column) => column.name === name && column.kind === 'scalar'));
}

function pictureOf(cell: Cell): TablePicture {
  if (cell instanceof Uint8Array) return { bytes: cell, path: null };
  return cell === null ? { bytes: null, path: null } : (cell as TablePicture);
}
