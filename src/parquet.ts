import { open, type FileHandle } from 'node:fs/promises';
import { type DecodedArray, parquetSchema, type SchemaTree } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { convert } from 'hyparquet/src/convert.js';
import { explainReading, messageOf, PatchwordError } from './errors.js';
import { type Footer, PARSERS, readExactly, readFooter } from './footer.js';
import { type ColumnDecoder, decodePage, PAGE_LIMITS, type PageHeader } from './page.js';

/** Enough for most page headers; and the most that one may have. */
const HEADER_BYTES = 4096;
const MAX_HEADER_BYTES = 2 ** 20;

export type { Footer, SchemaTree };

/** One column of primitive values: a field of the table, or of a struct or a list in it. */
export interface Leaf {
  path: string[];
  /** The schema from the table down to it. */
  schema: SchemaTree[];
  /** A row holds any number of its values. */
  repeated: boolean;
}

/** Where a page of values is in the file. */
export interface Page {
  header: PageHeader;
  offset: number;
  /** How many values it holds, nulls included: one a row where the leaf is not repeated. */
  values: number;
  /** It holds indexes into the dictionary. */
  fromDictionary: boolean;
}

/**
 * A Parquet file, read page by page: hyparquet reads the whole column of a row group, which may be larger than memory.
 * What it knows of pages does the work here.
 */
export class ParquetFile {
  readonly schema: SchemaTree;
  /** First row and number of rows of each row group. */
  readonly groups: { start: number; rows: number }[] = [];

  private constructor(
    readonly file: string,
    private readonly handle: FileHandle,
    readonly footer: Footer,
  ) {
    this.schema = parquetSchema(footer);
    let start = 0;
    for (const { num_rows } of footer.row_groups) {
      this.groups.push({ start, rows: Number(num_rows) });
      start += Number(num_rows);
    }
  }

  /**
   * @param footer what an earlier `open` of the same file read
   * @throws PatchwordError FILE_NOT_FOUND; SOURCE_INVALID where it is not Parquet, or is cut short
   */
  static async open(file: string, footer?: Footer): Promise<ParquetFile> {
    let handle: FileHandle;
    try {
      handle = await open(file);
    } catch (error) {
      throw explainReading(error, file);
    }
    try {
      return new ParquetFile(file, handle, footer ?? (await readFooter(handle)));
    } catch (error) {
      await handle.close();
      throw damaged(file, error);
    }
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  /** @param below a column, and what is nested in it down to the leaf */
  leaf(below: SchemaTree[]): Leaf {
    const path = below.map(({ element }) => element.name);
    const repeated = below.some(({ element }) => element.repetition_type === 'REPEATED');
    return { path, schema: [this.schema, ...below], repeated };
  }

  /**
   * What each row of a group holds of one leaf: a value, or null; where it is nested, in an array for each level.
   *
   * @throws PatchwordError SOURCE_INVALID
   */
  async *values(group: number, leaf: Leaf): AsyncGenerator<unknown> {
    const { rows } = this.groups[group];
    let row = 0;
    for await (const page of this.rowsOfPages(group, leaf)) {
      for (let i = 0; i < page.length && row < rows; i++, row++) yield page[i];
    }
    if (row < rows)
      throw damaged(this.file, `its row group ${group} has ${row} of ${rows} rows of ${leaf.path.join('.')}`);
  }

  private async *rowsOfPages(group: number, leaf: Leaf): AsyncGenerator<ArrayLike<unknown>> {
    let dictionary: DecodedArray | undefined;
    // A row of a repeated leaf may go on in the next page: the last one waits for it.
    let waiting: unknown[] = [];
    for await (const page of this.pages(group, leaf)) {
      if (page.header.type === 'DICTIONARY_PAGE') dictionary = await this.readDictionary(group, leaf, page);
      if (page.values === 0) continue;
      const rows = await this.readValues(group, leaf, { page, dictionary, waiting });
      if (!leaf.repeated) {
        yield rows;
        continue;
      }
      waiting = [rows[rows.length - 1]];
      yield Array.prototype.slice.call(rows, 0, -1);
    }
    yield waiting;
  }

  /** The pages of one leaf in one row group, in their order, the dictionary first. Their contents are passed over. */
  async *pages(group: number, leaf: Leaf): AsyncGenerator<Page> {
    const { start, end } = this.extent(group, leaf);
    for (let position = start; position < end - 1;) {
      const { header, bytes } = await this.readHeader(position, end);
      const offset = position + bytes;
      const { num_values: values = 0, encoding } = header.data_page_header ?? header.data_page_header_v2 ?? {};
      const page = { header, offset, values, fromDictionary: encoding?.endsWith('_DICTIONARY') ?? false };
      this.checkPage(page, end);
      yield page;
      position = offset + header.compressed_page_size;
    }
  }

  async readDictionary(group: number, leaf: Leaf, page: Page): Promise<DecodedArray> {
    const decoder = this.decoder(group, leaf);
    const entries = await this.decode(page, { decoder });
    try {
      return convert(entries, decoder);
    } catch (error) {
      throw damaged(this.file, error);
    }
  }

  /** @param options.waiting the row of a repeated leaf that may go on in this page: it comes first in what is returned */
  async readValues(
    group: number,
    leaf: Leaf,
    options: { page: Page; dictionary: DecodedArray | undefined; waiting: unknown[] },
  ): Promise<ArrayLike<unknown>> {
    const { page, dictionary, waiting } = options;
    const previous = leaf.repeated ? waiting : undefined;
    const rows = await this.decode(page, { decoder: this.decoder(group, leaf), dictionary, previous });
    if (leaf.repeated || rows.length === page.values) return rows as ArrayLike<unknown>;
    throw damaged(this.file, `a page of ${leaf.path.join('.')} holds ${rows.length} values instead of ${page.values}`);
  }

  private async decode(
    { header, offset }: Page,
    options: { decoder: ColumnDecoder; dictionary?: DecodedArray | undefined; previous?: unknown[] | undefined },
  ): Promise<DecodedArray> {
    const { buffer } = await this.read(offset, header.compressed_page_size);
    try {
      return decodePage(new Uint8Array(buffer), { header, ...options });
    } catch (error) {
      throw damaged(this.file, error);
    }
  }

  private decoder(group: number, { path, schema }: Leaf): ColumnDecoder {
    const { type, codec } = this.chunk(group, path);
    const { element } = schema.at(-1)!;
    return { pathInSchema: path, type, codec, element, schemaPath: schema, parsers: PARSERS, utf8: false };
  }

  private chunk(group: number, path: string[]) {
    const chunks = this.footer.row_groups[group]?.columns ?? [];
    const name = JSON.stringify(path);
    const chunk = chunks.find(({ meta_data }) => JSON.stringify(meta_data?.path_in_schema) === name);
    if (chunk?.meta_data && !chunk.file_path) return chunk.meta_data;
    throw damaged(this.file, `its row group ${group} has no column ${path.join('.')} of its own`);
  }

  private extent(group: number, { path }: Leaf): { start: number; end: number } {
    const { dictionary_page_offset, data_page_offset, total_compressed_size } = this.chunk(group, path);
    const start = Number(dictionary_page_offset || data_page_offset);
    return { start, end: start + Number(total_compressed_size) };
  }

  private async readHeader(position: number, end: number): Promise<{ header: PageHeader; bytes: number }> {
    for (let size = HEADER_BYTES; ; size *= 16) {
      const reader = { view: await this.read(position, Math.min(size, end - position)), offset: 0 };
      try {
        return { header: parquetHeader(reader), bytes: reader.offset };
      } catch (error) {
        if (size >= MAX_HEADER_BYTES || position + size >= end) throw damaged(this.file, error);
      }
    }
  }

  private checkPage({ header, offset, values }: Page, end: number): void {
    const { compressed_page_size: stored, uncompressed_page_size: bytes } = header;
    const entries = header.dictionary_page_header?.num_values ?? values;
    const sound = [stored, bytes, entries].every((size) => Number.isSafeInteger(size) && size >= 0);
    if (!sound || offset + stored > end) throw damaged(this.file, `the page at byte ${offset} has no sound header`);
    if (Math.max(stored, bytes) <= PAGE_LIMITS.bytes && entries <= PAGE_LIMITS.values) return;
    throw new PatchwordError(
      'SOURCE_INVALID',
      `${this.file}: a page has ${Math.max(stored, bytes)} bytes and ${entries} values; ` +
        `at most ${PAGE_LIMITS.bytes} and ${PAGE_LIMITS.values} are read.`,
      { hint: 'Write it again with smaller pages or row groups.' },
    );
  }

  private async read(position: number, bytes: number): Promise<DataView> {
    return readExactly(this.handle, position, bytes).catch((error: unknown) => {
      throw damaged(this.file, error);
    });
  }
}

function damaged(file: string, cause: unknown): PatchwordError {
  if (cause instanceof PatchwordError) return cause;
  return new PatchwordError('SOURCE_INVALID', `${file} is no Parquet file that can be read: ${messageOf(cause)}.`, {
    hint: 'Copy or download it again.',
    cause,
  });
}
