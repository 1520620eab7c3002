import { PatchwordError } from '../../src/errors.js';
import type { ImageLocation } from '../../src/original.js';
import type { TableColumn } from '../../src/table.js';
import { IMAGE_EXTENSIONS } from './folder.js';
import {
  cleanAttributes,
  cleanCaptions,
  cleanSplit,
  type Columns,
  decodeUtf8,
  type SkippedImage,
  type SourceImage,
} from './reader.js';
import { readCaptions } from './record.js';
import { COLUMN_NAMES } from './table.js';

/** Which columns of a table with pictures hold what; null where there is none. All others that are scalars are attributes. */
export interface PictureColumns {
  image: string;
  caption: string | null;
  split: string | null;
  /** What pictures are called by. */
  id: string | null;
}

/** Names that are recognised, whatever their case; the first that is there counts. */
const NAMES = {
  image: ['image', 'jpg', 'jpeg', 'png', 'webp', 'img', 'picture', 'image_bytes', 'bytes'],
  caption: [...COLUMN_NAMES.caption, 'sentences', 'txt', 'raw'],
  split: COLUMN_NAMES.split,
  id: ['key', '__key__', 'image_id', 'img_id', 'filename', 'file_name', 'image_name', 'id'],
};

/** What a column may hold to be taken for one of these. */
const KINDS: Record<keyof typeof NAMES, readonly TableColumn['kind'][]> = {
  image: ['picture', 'bytes'],
  caption: ['scalar', 'list', 'bytes'],
  split: ['scalar'],
  id: ['scalar'],
};

const COLUMNS_NAMED = 20;

const MAX_ID_LENGTH = 500;

/** Of how many rows of a file the names are kept, to tell those that come twice. */
const MAX_NAMES = 1_000_000;

/** @throws PatchwordError SOURCE_INVALID where there is no column of pictures, or not the one that is named */
export function choosePictureColumns(
  file: string,
  columns: readonly TableColumn[],
  named: Columns = {},
): PictureColumns {
  const listed = columns.slice(0, COLUMNS_NAMED).map(({ name, kind }) => `${name} (${kind})`);
  const refused = (what: string, hint: string) =>
    new PatchwordError('SOURCE_INVALID', `${file} has no column ${what}; it has ${listed.join(', ') || 'none'}.`, {
      hint,
    });
  const find = (what: keyof typeof NAMES): string | null => {
    const fit = columns.filter(({ kind }) => KINDS[what].includes(kind));
    const given = what === 'id' ? undefined : named[what];
    if (given === undefined) {
      const known = NAMES[what].find((name) => fit.some((column) => column.name.toLowerCase() === name));
      return fit.find(({ name }) => name.toLowerCase() === known)?.name ?? null;
    }
    if (fit.some(({ name }) => name === given)) return given;
    throw refused(`"${given}" that is a ${KINDS[what].join(' or a ')}`, 'Name another with --columns.');
  };
  const image = find('image');
  if (image !== null) return { image, caption: find('caption'), split: find('split'), id: find('id') };
  const hint = 'Name the column that holds the pictures themselves with --columns image=NAME.';
  throw refused(`of pictures that is recognised (${NAMES.image.join(', ')})`, hint);
}

/** The columns of which rows are read. */
export function columnsRead(columns: readonly TableColumn[], { caption }: PictureColumns): string[] {
  return columns.filter(({ name, kind }) => kind === 'scalar' || name === caption).map(({ name }) => name);
}

/** One row of a table. */
export interface PictureRow {
  row: number;
  /** By the names of their columns, but for the picture. */
  cells: ReadonlyMap<string, unknown>;
  /** The path that the picture had, where the table says. */
  path: string | null;
  /** Null where the row has none. */
  picture: { location: ImageLocation; bytes?: Uint8Array } | null;
}

/** Makes images of the rows of one file, and tells them by name. */
export class RowImages {
  readonly #names = new Set<string>();

  /** @param options.split of all rows, where there is no column of splits */
  constructor(private readonly options: { file: string; columns: PictureColumns; split: string | null }) {}

  /** An image, or why a row is none. */
  read({ row, cells, path, picture }: PictureRow): SourceImage | SkippedImage {
    const { columns } = this.options;
    const file = this.#name(row, path ?? (columns.id === null ? null : cells.get(columns.id)));
    if (picture === null) return { file, reason: `row ${row} has no picture in "${columns.image}"` };
    const captions =
      columns.caption === null ? { captions: [] } : readCell(columns.caption, cells.get(columns.caption));
    if ('reason' in captions) return { file, ...captions };
    const cleaned = cleanCaptions(captions.captions);
    if ('reason' in cleaned) return { file, ...cleaned };
    const split = cleanSplit(columns.split === null ? this.options.split : cells.get(columns.split));
    if ('reason' in split) return { file, ...split };
    const attributes = cleanAttributes(Object.fromEntries(cells), { except: [columns.caption, columns.split] });
    return { name: file, ...picture, captions: cleaned.captions, ...split, attributes };
  }

  /** What the row says that its picture is called, unless that is no name or another's. */
  #name(row: number, id: unknown): string {
    const { file, columns } = this.options;
    const text = typeof id === 'string' || typeof id === 'number' ? String(id) : '';
    const extension = IMAGE_EXTENSIONS.find((one) => one === `.${columns.image.toLowerCase()}`) ?? '';
    const full = IMAGE_EXTENSIONS.some((one) => text.toLowerCase().endsWith(one)) ? text : text + extension;
    const isName = text !== '' && text.length <= MAX_ID_LENGTH && !text.includes('\0') && !leaves(text);
    if (isName && this.#names.size < MAX_NAMES && !this.#names.has(full)) {
      this.#names.add(full);
      return `${file}/${full}`;
    }
    return `${file}:${row}`;
  }
}

function leaves(path: string): boolean {
  return path.startsWith('/') || path.split(/[/\\]/).includes('..');
}

/** The captions of a cell; they may be kept as bytes. */
function readCell(name: string, cell: unknown): { captions: string[] } | { reason: string } {
  const decode = (value: unknown) => (value instanceof Uint8Array ? decodeUtf8(value) : value);
  const isText = [cell].flat().every((value) => value === null || value === undefined || decode(value) !== null);
  if (!isText) return { reason: `${name}: expected text, got bytes that are not UTF-8` };
  return readCaptions(name, Array.isArray(cell) ? cell.map(decode) : decode(cell));
}
