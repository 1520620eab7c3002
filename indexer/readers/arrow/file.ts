import { type FileHandle, open } from 'node:fs/promises';
import { DataType, Vector } from 'apache-arrow';
import { CompressedVectorLoader } from 'apache-arrow/visitor/vectorloader';
import { explainReading, messageOf, PatchwordError } from '../../../src/errors.js';
import type { Scalar } from '../../../src/filter.js';
import type { TableColumn } from '../../../src/table.js';
import { type ArrowColumn, kindOf, placeColumns, sizeOf } from './column.js';
import { type ArrowLayout, readLayout } from './layout.js';
import { type ArrowBatch, readUpTo } from './message.js';

/** A cell of a column of pictures: where its bytes are in the file, and perhaps the path that they had. */
export interface ArrowPicture {
  range: { offset: number; bytes: number } | null;
  path: string | null;
}

export type ArrowCell = ArrowPicture | Scalar | Scalar[];

/** The most bytes of one column in a batch, pictures aside: they are read. */
const MAX_COLUMN_BYTES = 2 ** 28;

/** The most elements of a list that are read. */
const MAX_ELEMENTS = 10_000;

/**
 * An Arrow file, or a stream of Arrow messages in a file. A batch may hold gigabytes of pictures; they lie in it as they are,
 * so they are located, not read.
 */
export class ArrowFile {
  readonly columns: TableColumn[];
  readonly #columns: Map<string, ArrowColumn>;

  private constructor(
    private readonly handle: FileHandle,
    private readonly layout: ArrowLayout,
  ) {
    this.#columns = placeColumns(layout.schema);
    this.columns = [...this.#columns].map(([name, { type }]) => ({ name, kind: kindOf(type) }));
  }

  /** @throws PatchwordError FILE_NOT_FOUND; SOURCE_INVALID where it is not Arrow, or has columns whose place is not known */
  static async open(file: string): Promise<ArrowFile> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(file);
      return new ArrowFile(handle, await readLayout(handle));
    } catch (error) {
      await handle?.close();
      const explained = explainReading(error, file);
      if (explained instanceof PatchwordError) throw explained;
      throw new PatchwordError('SOURCE_INVALID', `${file} is no Arrow file that can be read: ${messageOf(error)}.`, {
        cause: error,
      });
    }
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  /** The batches in their order. Returns what is damaged; the batches before that are whole. */
  batches(): AsyncGenerator<ArrowBatch, string | null, void> {
    return this.layout.batches();
  }

  /**
   * The cells of one column in a batch, by the row in it. Reads all of the column but pictures.
   *
   * @throws Error that says what is not supported, too large or damaged
   */
  async cells(batch: ArrowBatch, name: string): Promise<(row: number) => ArrowCell> {
    if (batch.compressed) throw new Error('its batches are compressed; write it again without compression');
    const column = this.#columns.get(name)!;
    switch (kindOf(column.type)) {
      case 'bytes':
        return this.#pictures(batch, { bytes: column });
      case 'picture': {
        const [struct, ...children] = [column, ...column.children];
        const child = (wanted: string) => children.find((one) => one.name === wanted);
        return this.#pictures(batch, { struct, bytes: child('bytes')!, path: child('path') });
      }
      default: {
        const vector = await this.#vector(batch, column);
        return (row) => cellOf(vector.get(row), column.type);
      }
    }
  }

  async #pictures(
    batch: ArrowBatch,
    { struct, bytes, path }: { struct?: ArrowColumn; bytes: ArrowColumn; path?: ArrowColumn | undefined },
  ): Promise<(row: number) => ArrowPicture> {
    const isThere = [await this.#validity(batch, bytes)];
    if (struct) isThere.push(await this.#validity(batch, struct));
    const paths = path && DataType.isUtf8(path.type) ? await this.#vector(batch, path) : null;
    const offsets = await this.#offsets(batch, bytes);
    const values = batch.buffers[bytes.buffer + 2];
    return (row) => {
      const text: unknown = paths?.get(row);
      const picture = { range: null, path: typeof text === 'string' ? text : null };
      if (!isThere.every((isValid) => isValid(row))) return picture;
      const [begin, end] = [offsets(row), offsets(row + 1)];
      if (!(begin >= 0 && begin <= end && end <= values.bytes)) throw new Error('its picture lies outside its column');
      return { ...picture, range: { offset: values.offset + begin, bytes: end - begin } };
    };
  }

  async #validity(batch: ArrowBatch, column: ArrowColumn): Promise<(row: number) => boolean> {
    if (batch.nodes[column.node].nullCount === 0) return () => true;
    const bits = await this.#read(batch, column.buffer);
    return (row) => ((bits[row >> 3] >> (row & 7)) & 1) === 1;
  }

  async #offsets(batch: ArrowBatch, column: ArrowColumn): Promise<(row: number) => number> {
    const bytes = await this.#read(batch, column.buffer + 1);
    const width = DataType.isLargeBinary(column.type) ? 8 : 4;
    if (batch.rows > 0 && bytes.length < (batch.rows + 1) * width) throw new Error(`${column.name} lacks rows`);
    if (width === 4) return (row) => bytes.readInt32LE(4 * row);
    return (row) => Number(bytes.readBigInt64LE(8 * row));
  }

  async #vector(batch: ArrowBatch, { type, node, buffer }: ArrowColumn): Promise<Vector> {
    const size = sizeOf(type);
    const chunks = [];
    for (let i = 0; i < size.buffers; i++) chunks.push(await this.#read(batch, buffer + i));
    const regions = chunks.map(({ length }) => ({ offset: 0, length }));
    const nodes = batch.nodes.slice(node, node + size.nodes);
    const { metadataVersion } = this.layout.schema;
    return new Vector([new CompressedVectorLoader(chunks, nodes, regions, new Map(), metadataVersion).visit(type)]);
  }

  async #read(batch: ArrowBatch, index: number): Promise<Buffer> {
    const buffer = batch.buffers[index];
    if (!buffer) throw new Error('its batch lacks columns');
    if (buffer.bytes > MAX_COLUMN_BYTES) {
      throw new Error(`a column of it has ${buffer.bytes} bytes in one batch; at most ${MAX_COLUMN_BYTES} are read`);
    }
    const bytes = await readUpTo(this.handle, buffer.offset, buffer.bytes);
    if (bytes.length < buffer.bytes) throw new Error('it became shorter while it was read');
    return bytes;
  }
}

/** Integers that a number cannot hold are strings, and so are times. */
function cellOf(value: unknown, type: DataType): Scalar | Scalar[] {
  if (value instanceof Vector) {
    const elements: Scalar[] = [];
    for (let i = 0; i < Math.min(value.length, MAX_ELEMENTS); i++) {
      const element = cellOf(value.get(i), value.type as DataType);
      if (element !== null && !Array.isArray(element)) elements.push(element);
    }
    return elements;
  }
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value !== 'number' || !Number.isFinite(value)) return null;
  if (!DataType.isDate(type) && !DataType.isTimestamp(type)) return value;
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}
