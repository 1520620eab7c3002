import type { DecodedArray } from 'hyparquet';
import { readPage } from 'hyparquet/src/column.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js';
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from 'hyparquet/src/schema.js';
import { readVarInt } from 'hyparquet/src/thrift.js';
import { type Compressors, compressors, decompressZstd } from 'hyparquet-compressors';

export type PageHeader = Parameters<typeof readPage>[1];
export type ColumnDecoder = Parameters<typeof readPage>[2];

/** The most that one page may take of memory, whatever it says of itself. */
export const PAGE_LIMITS = { bytes: 2 ** 29, values: 20_000_000 };

/** Each writes into memory of the size that the header states. By itself, Zstandard's takes what the data asks for. */
const BOUNDED: Compressors = { ...compressors, ZSTD: decompressExactly };

/** The decoder does not tell how much it wrote: a page that is short leaves its last byte as it was, whatever that was. */
function decompressExactly(input: Uint8Array, length: number): Uint8Array {
  for (const rest of [0xa5, 0x5a]) {
    const output = decompressZstd(input, new Uint8Array(length).fill(rest));
    if (length === 0 || output[length - 1] !== rest) return output;
  }
  throw new Error(`a page of ${length} bytes holds fewer`);
}

/** Where the parts of a page of values begin, and how many values it holds. Levels that it lacks have a width of 0. */
interface Layout {
  encoding: string | undefined;
  values: number;
  repetition: Levels;
  definition: Levels;
  data: number;
}

interface Levels {
  start: number;
  width: number;
}

/**
 * The values of one page, decoded by hyparquet, which writes as many as the data says: what they would take is looked at before.
 *
 * @param stored as it lies in the file
 * @throws Error where it is damaged, or would take more than PAGE_LIMITS
 */
export function decodePage(
  stored: Uint8Array,
  options: {
    header: PageHeader;
    decoder: ColumnDecoder;
    dictionary?: DecodedArray | undefined;
    previous?: unknown[] | undefined;
  },
): DecodedArray {
  const { header, decoder, dictionary, previous } = options;
  const page = decompress(stored, header, decoder);
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const layout = layOut(view, header, decoder);
  if (layout !== null) {
    checkRuns(view, layout.repetition, layout.values);
    checkRuns(view, layout.definition, layout.values);
    checkValues(view, layout, { header, decoder });
  }
  const sizes = { compressed_page_size: page.length, uncompressed_page_size: page.length };
  const plain: ColumnDecoder = { ...decoder, codec: 'UNCOMPRESSED' };
  return (
    readPage({ view, offset: 0 }, { ...header, ...sizes }, plain, dictionary, previous as DecodedArray, 0).data ?? []
  );
}

/** In pages of version 2 the levels come first and are never compressed. */
function decompress(stored: Uint8Array, header: PageHeader, { codec }: ColumnDecoder): Uint8Array {
  const { data_page_header_v2: second, uncompressed_page_size: bytes } = header;
  if (!second) return decompressPage(stored, bytes, codec, BOUNDED);
  if (codec === 'UNCOMPRESSED' || second.is_compressed === false) return stored;
  const levels = second.repetition_levels_byte_length + second.definition_levels_byte_length;
  const data = decompressPage(stored.subarray(levels), bytes - levels, codec, BOUNDED);
  return Buffer.concat([stored.subarray(0, levels), data]);
}

/** Null for a dictionary. */
function layOut(view: DataView, header: PageHeader, { schemaPath }: ColumnDecoder): Layout | null {
  const { data_page_header: first, data_page_header_v2: second } = header;
  const [repeated, defined] = [getMaxRepetitionLevel(schemaPath), getMaxDefinitionLevel(schemaPath)].map(widthOf);
  if (second) {
    const start = second.repetition_levels_byte_length;
    return {
      encoding: second.encoding,
      values: second.num_values,
      repetition: { start: 0, width: repeated },
      definition: { start, width: defined },
      data: start + second.definition_levels_byte_length,
    };
  }
  if (!first) return null;
  // Before levels stand their bytes.
  const after = (start: number, width: number) => (width > 0 ? start + 4 + view.getUint32(start, true) : start);
  const definition = after(0, repeated);
  return {
    encoding: first.encoding,
    values: first.num_values,
    repetition: { start: 4, width: repeated },
    definition: { start: definition + 4, width: defined },
    data: after(definition, defined),
  };
}

function widthOf(level: number): number {
  return 32 - Math.clz32(level);
}

/** The lengths of runs (Parquet's RLE / bit-packing hybrid), added up as far as they are decoded. */
function checkRuns(view: DataView, { start, width }: Levels, values: number): void {
  if (width === 0) return;
  const reader = { view, offset: start };
  for (let seen = 0; seen < values && reader.offset < view.byteLength;) {
    const header = readVarInt(reader);
    const isPacked = (header & 1) === 1;
    const length = header >>> 1;
    seen += isPacked ? 8 * length : length;
    if (!isPacked && seen > PAGE_LIMITS.values) throw new Error(`one run of a page of ${values} values has ${length}`);
    reader.offset += isPacked ? length * width : Math.ceil(width / 8);
  }
}

function checkValues(
  view: DataView,
  layout: Layout,
  { header, decoder }: { header: PageHeader; decoder: ColumnDecoder },
): void {
  const { encoding, values, data } = layout;
  if (encoding === 'RLE' && (header.data_page_header_v2 || decoder.type === 'BOOLEAN')) {
    checkRuns(view, { start: data + 4, width: 1 }, values);
  } else if (encoding === 'RLE' || encoding?.endsWith('_DICTIONARY')) {
    if (data < view.byteLength) checkRuns(view, { start: data + 1, width: view.getUint8(data) }, values);
  } else if (encoding === 'DELTA_BYTE_ARRAY') {
    checkPrefixes(view, layout, { header, decoder });
  } else if (encoding === 'DELTA_BINARY_PACKED' || encoding === 'DELTA_LENGTH_BYTE_ARRAY') {
    if (data < view.byteLength) checkBlocks({ view, offset: data });
  }
}

/** What the differences at an offset are cut into: hyparquet goes round in circles where their parts are fewer than none. */
function checkBlocks({ view, offset }: { view: DataView; offset: number }): void {
  const reader = { view, offset };
  const [values, parts] = [readVarInt(reader), readVarInt(reader)];
  if (values <= 0 || parts <= 0)
    throw new Error(`its differences come in blocks of ${values} values in ${parts} parts`);
}

/** Each text repeats so much of the one before: a few bytes in the file may be a long text each. */
function checkPrefixes(
  view: DataView,
  { values, definition, data }: Layout,
  { header, decoder }: { header: PageHeader; decoder: ColumnDecoder },
): void {
  const { data_page_header_v2: second } = header;
  const texts = second ? values - second.num_nulls : countDefined(view, { definition, values, decoder });
  const reader = { view, offset: data };
  let bytes = 0;
  for (let part = 0; part < 2; part++) {
    const lengths = new Int32Array(texts);
    if (texts > 0) checkBlocks(reader);
    deltaBinaryUnpack(reader, texts, lengths);
    for (const length of lengths) bytes += Math.max(length, 0);
  }
  if (bytes > PAGE_LIMITS.bytes) throw new Error(`its ${texts} texts would have ${bytes} bytes`);
}

function countDefined(
  view: DataView,
  { definition, values, decoder }: { definition: Levels; values: number; decoder: ColumnDecoder },
): number {
  if (definition.width === 0) return values;
  const levels = new Uint8Array(values);
  readRleBitPackedHybrid({ view, offset: definition.start - 4 }, definition.width, levels);
  const most = getMaxDefinitionLevel(decoder.schemaPath);
  return levels.reduce((count, level) => count + (level === most ? 1 : 0), 0);
}
