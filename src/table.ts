import { PatchwordError } from './errors.js';
import type { Scalar } from './filter.js';
import { type Footer, type Leaf, ParquetFile, type SchemaTree } from './parquet.js';

/** A column of a table, by what its cells hold: a TablePicture, bytes, a list, a scalar, or what is not read. */
export interface TableColumn {
  name: string;
  kind: 'picture' | 'bytes' | 'list' | 'scalar' | 'other';
}

/** A struct of bytes, and perhaps of the path that they had. */
export interface TablePicture {
  bytes: Uint8Array | null;
  path: string | null;
}

/** What hyparquet throws at, however the values are: asked for, such a column would cost all rows. */
const NOT_READ: readonly (string | undefined)[] = ['BSON', 'INTERVAL'];

/** Null where a row holds nothing. Integers that a number cannot hold are strings. */
export type Cell = TablePicture | Uint8Array | Scalar | (Uint8Array | Scalar)[];

/** A Parquet table with pictures. */
export class Table {
  readonly columns: TableColumn[];
  readonly #schemas = new Map<string, SchemaTree>();

  constructor(readonly parquet: ParquetFile) {
    for (const column of parquet.schema.children) this.#schemas.set(column.element.name, column);
    this.columns = [...this.#schemas].map(([name, schema]) => ({ name, kind: kindOf(schema) }));
  }

  /**
   * @param footer what an earlier `open` of the same file read
   * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID
   */
  static async open(file: string, footer?: Footer): Promise<Table> {
    return new Table(await ParquetFile.open(file, footer));
  }

  /** First row and number of rows of each row group. */
  get groups(): { start: number; rows: number }[] {
    return this.parquet.groups;
  }

  close(): Promise<void> {
    return this.parquet.close();
  }

  /**
   * The rows of one group, in order, as the cells of the columns asked for. Holds a page of each column at a time, of
   * which bytes are views.
   *
   * @throws PatchwordError SOURCE_INVALID
   */
  async *rows(group: number, columns: readonly string[]): AsyncGenerator<Cell[]> {
    const cells = columns.map((name) => this.#cells(group, name));
    try {
      for (let row = 0; row < this.groups[group].rows; row++) {
        const next: Cell[] = [];
        for (const column of cells) next.push(((await column.next()) as IteratorYieldResult<Cell>).value);
        yield next;
      }
    } finally {
      for (const column of cells) await column.return(undefined);
    }
  }

  /** The leaf that holds the bytes of a column of pictures. @throws PatchwordError SOURCE_INVALID */
  bytesOf(name: string): Leaf {
    const schema = this.#schemas.get(name);
    const kind = schema && kindOf(schema);
    if (kind === 'picture') return this.parquet.leaf([schema!, childOf(schema!, 'bytes')!]);
    if (kind === 'bytes') return this.parquet.leaf([schema!]);
    throw new PatchwordError('SOURCE_INVALID', `${this.parquet.file} has no column of pictures named "${name}".`);
  }

  async *#cells(group: number, name: string): AsyncGenerator<Cell> {
    const schema = this.#schemas.get(name)!;
    if (kindOf(schema) !== 'picture') {
      const leaf = this.parquet.leaf(chainOf(schema));
      for await (const value of this.parquet.values(group, leaf)) yield leaf.repeated ? listOf(value) : cellOf(value);
      return;
    }
    const path = childOf(schema, 'path');
    const paths = path && this.parquet.values(group, this.parquet.leaf([schema, path]));
    for await (const value of this.parquet.values(group, this.bytesOf(name))) {
      const [bytes, text] = [listOf(value)[0], listOf((await paths?.next())?.value)[0]];
      yield { bytes: bytes instanceof Uint8Array ? bytes : null, path: typeof text === 'string' ? text : null };
    }
  }
}

function kindOf(schema: SchemaTree): TableColumn['kind'] {
  const bytes = childOf(schema, 'bytes');
  if (schema.element.repetition_type !== 'REPEATED' && bytes && kindOf(bytes) === 'bytes') return 'picture';
  const chain = chainOf(schema);
  const leaf = chain.at(-1)!;
  if (leaf.children.length > 0 || NOT_READ.includes(leaf.element.converted_type)) return 'other';
  const lists = chain.filter(({ element }) => element.repetition_type === 'REPEATED').length;
  if (lists > 0) return lists === 1 ? 'list' : 'other';
  if (chain.length > 1) return 'other';
  const { type, converted_type, logical_type } = schema.element;
  return type === 'BYTE_ARRAY' && !converted_type && !logical_type ? 'bytes' : 'scalar';
}

/** A column and what is nested in it, as far as each level has one field: a list, down to its elements. */
function chainOf(schema: SchemaTree): SchemaTree[] {
  return schema.children.length === 1 ? [schema, ...chainOf(schema.children[0])] : [schema];
}

function childOf(schema: SchemaTree, name: string): SchemaTree | undefined {
  return schema.children.find(({ element, children }) => element.name === name && children.length === 0);
}

/** Values of a nested leaf come in an array for each level. */
function listOf(value: unknown): (Uint8Array | Scalar)[] {
  const flat = Array.isArray(value) ? (value as unknown[]).flat(Infinity) : [value];
  return flat.map(cellOf).filter((cell) => cell !== null);
}

function cellOf(value: unknown): Uint8Array | Scalar {
  if (value instanceof Uint8Array || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
