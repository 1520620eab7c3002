import { closeSync, openSync, writeSync } from 'node:fs';

/** What the specification calls BYTE_ARRAY (6), FIXED_LEN_BYTE_ARRAY (7) and INT64 (2), and what they are said to hold. */
const TYPES = {
  bytes: { stored: 6 },
  string: { stored: 6, holds: 0 },
  /** Lists of strings. */
  strings: { stored: 6, holds: 0 },
  bson: { stored: 6, holds: 20 },
  interval: { stored: 7, length: 12, holds: 21 },
  /** Against the specification: days have 32 bits. */
  'long date': { stored: 2, holds: 6 },
} as const satisfies Record<string, { stored: number; length?: number; holds?: number }>;

/** A column of optional values; those that are neither strings nor lists of them are given as their bytes. */
export interface ParquetColumn {
  name: string;
  type: keyof typeof TYPES;
  /** Each page of values holds indexes into one of a dictionary. Not for lists. */
  dictionary?: boolean;
}

export type ParquetValue = Uint8Array | string | string[] | null;

export interface ParquetOptions {
  columns: ParquetColumn[];
  /** Rows of each row group, by column. */
  groups: Iterable<ParquetValue[][]>;
  /** Rows of a page. Default: all of a group. */
  pageRows?: number;
  /** What page headers say instead: uncompressed and compressed bytes, values. */
  lie?: (header: { bytes: number; stored: number; values: number }) => {
    bytes: number;
    stored: number;
    values: number;
  };
}

/**
 * Writes a Parquet file by its specification, group by group: plain values, not compressed, without statistics. It is no
 * work of the library that reads Parquet here, and can write what no library would.
 */
export function writeParquet(
  file: string,
  { columns, groups, pageRows, lie = (header) => header }: ParquetOptions,
): void {
  const out = openSync(file, 'w');
  let position = 0;
  const write = (...parts: Uint8Array[]) => {
    for (const part of parts) position += writeSync(out, part);
  };
  write(Buffer.from('PAR1'));
  const written: Thrift[] = [];
  let total = 0;
  for (const rows of groups) {
    const chunks = columns.map(({ name, type, dictionary }, at) => {
      const start = position;
      let values = 0;
      const entries = rows.map((cell) => cell[at] as string | null).filter((cell) => cell !== null);
      if (dictionary) {
        const page = Buffer.concat(entries.map((cell) => plain(cell, type)));
        const size = i32(page.length);
        const data = struct([[1, i32(entries.length)], [2, i32(0)]]); // prettier-ignore
        write(struct([[1, i32(2)], [2, size], [3, size], [7, data]]).bytes, page); // prettier-ignore
      }
      const first = position;
      for (let row = 0; row < rows.length; row += pageRows ?? rows.length) {
        const cells = rows.slice(row, row + (pageRows ?? rows.length)).map((cell) => cell[at]);
        const page =
          type === 'strings'
            ? listPage(cells as (string[] | null)[])
            : flatPage(cells as (string | null)[], { type, entries: dictionary ? entries : null });
        const {
          bytes,
          stored,
          values: said,
        } = lie({ bytes: page.bytes.length, stored: page.bytes.length, values: page.values });
        // Plain values (0) or indexes (8), levels in runs (3).
        const data = struct([[1, i32(said)], [2, i32(dictionary ? 8 : 0)], [3, i32(3)], [4, i32(3)]]); // prettier-ignore
        write(struct([[1, i32(0)], [2, i32(bytes)], [3, i32(stored)], [5, data]]).bytes, page.bytes); // prettier-ignore
        values += page.values;
      }
      const size = i64(position - start);
      const path = type === 'strings' ? [name, 'list', 'element'] : [name];
      return struct([
        [2, i64(start)],
        [3, struct([
          [1, i32(TYPES[type].stored)],
          [2, list([i32(0), i32(3), i32(8)])],
          [3, list(path.map(text))],
          [4, i32(0)],
          [5, i64(values)],
          [6, size],
          [7, size],
          [9, i64(first)],
          ...(dictionary ? [[11, i64(start)] as [number, Thrift]] : []),
        ])],
      ]); // prettier-ignore
    });
    written.push(struct([[1, list(chunks)], [2, i64(0)], [3, i64(rows.length)]])); // prettier-ignore
    total += rows.length;
  }
  const schema = [struct([[4, text('schema')], [5, i32(columns.length)]]), ...columns.flatMap(schemaOf)]; // prettier-ignore
  const footer = struct([[1, i32(1)], [2, list(schema)], [3, i64(total)], [4, list(written)]]); // prettier-ignore
  const tail = Buffer.alloc(8, 'PAR1');
  tail.writeInt32LE(footer.bytes.length, 0);
  tail.write('PAR1', 4);
  write(footer.bytes, tail);
  closeSync(out);
}

/** Of a column: OPTIONAL is 1, REPEATED 2; LIST is 3. */
function schemaOf({ name, type }: ParquetColumn): Thrift[] {
  const { stored, length, holds }: { stored: number; length?: number; holds?: number } = TYPES[type];
  const said = (id: number, value?: number): [number, Thrift][] => (value === undefined ? [] : [[id, i32(value)]]);
  const leaf = (called: string) =>
    struct([[1, i32(stored)], ...said(2, length), [3, i32(1)], [4, text(called)], ...said(6, holds)]);
  if (type !== 'strings') return [leaf(name)];
  return [
    struct([[3, i32(1)], [4, text(name)], [5, i32(1)], [6, i32(3)]]),
    struct([[3, i32(2)], [4, text('list')], [5, i32(1)]]),
    leaf('element'),
  ]; // prettier-ignore
}

function flatPage(
  cells: (Uint8Array | string | null)[],
  { type, entries }: { type: ParquetColumn['type']; entries: (Uint8Array | string)[] | null },
): { bytes: Buffer; values: number } {
  const levels = runs(cells.map((cell) => (cell === null ? 0 : 1)));
  const given = cells.filter((cell) => cell !== null);
  // Indexes of eight bits; unlike levels, they do not say how long they are.
  const indexes = () => [Buffer.from([8]), runs(given.map((cell) => entries!.indexOf(cell))).subarray(4)];
  const values = entries ? indexes() : given.map((cell) => plain(cell, type));
  return { bytes: Buffer.concat([levels, ...values]), values: cells.length };
}

function listPage(cells: (string[] | null)[]): { bytes: Buffer; values: number } {
  const entries: { repetition: number; definition: number; value: string | null }[] = [];
  for (const cell of cells) {
    if (!cell?.length) entries.push({ repetition: 0, definition: cell === null ? 0 : 1, value: null });
    else cell.forEach((value, i) => entries.push({ repetition: i === 0 ? 0 : 1, definition: 3, value }));
  }
  const levels = [runs(entries.map(({ repetition }) => repetition)), runs(entries.map(({ definition }) => definition))];
  const values = entries.flatMap(({ value }) => (value === null ? [] : [plain(value, 'strings')]));
  return { bytes: Buffer.concat([...levels, ...values]), values: entries.length };
}

function plain(value: Uint8Array | string, type: ParquetColumn['type']): Buffer {
  const bytes = Buffer.from(value as string);
  if (TYPES[type].stored !== 6) return bytes;
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Levels below 256, each run of equal ones as (count, value). */
function runs(levels: number[]): Buffer {
  const parts: Buffer[] = [];
  for (let start = 0; start < levels.length;) {
    const other = levels.findIndex((level, i) => i > start && level !== levels[start]);
    const end = other < 0 ? levels.length : other;
    parts.push(varint((end - start) * 2), Buffer.from([levels[start]]));
    start = end;
  }
  const length = Buffer.alloc(4);
  length.writeUInt32LE(parts.reduce((sum, part) => sum + part.length, 0));
  return Buffer.concat([length, ...parts]);
}

/** A value in Thrift's compact protocol. */
interface Thrift {
  type: number;
  bytes: Buffer;
}

function i32(value: number): Thrift {
  return { type: 5, bytes: varint(value < 0 ? -2 * value - 1 : 2 * value) };
}

function i64(value: number): Thrift {
  return { ...i32(value), type: 6 };
}

function text(value: string): Thrift {
  const bytes = Buffer.from(value);
  return { type: 8, bytes: Buffer.concat([varint(bytes.length), bytes]) };
}

function list(items: Thrift[]): Thrift {
  const head = Buffer.concat([Buffer.from([0xf0 | (items[0]?.type ?? 12)]), varint(items.length)]);
  return { type: 9, bytes: Buffer.concat([head, ...items.map(({ bytes }) => bytes)]) };
}

function struct(fields: [id: number, value: Thrift][]): Thrift {
  let last = 0;
  const parts = fields.flatMap(([id, { type, bytes }]) => {
    const head = Buffer.from([((id - last) << 4) | type]);
    last = id;
    return [head, bytes];
  });
  return { type: 12, bytes: Buffer.concat([...parts, Buffer.from([0])]) };
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    const last = rest < 128n;
    bytes.push(Number(rest & 127n) | (last ? 0 : 128));
    if (last) return Buffer.from(bytes);
  }
}
