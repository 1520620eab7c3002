import assert from 'node:assert/strict';
import { type ColumnDecoder, decodePage, PAGE_LIMITS, type PageHeader } from '../../src/page.js';

const GIB = 2 ** 30;

/** Texts, or nothing. */
const DECODER = {
  pathInSchema: ['text'],
  type: 'BYTE_ARRAY',
  codec: 'UNCOMPRESSED',
  element: { name: 'text', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
  schemaPath: [
    { count: 2, path: [], element: { name: 'schema' }, children: [] },
    { count: 1, path: ['text'], element: { name: 'text', repetition_type: 'OPTIONAL' }, children: [] },
  ],
  parsers: {},
  utf8: false,
} as unknown as ColumnDecoder;

/** Parquet's and Zstandard's numbers: seven bits a byte, the lowest first. */
function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

const run = (length: number, value: number) => [...varint(2 * length), value];
const withLength = (bytes: number[]) => [bytes.length, 0, 0, 0, ...bytes];
/** Differences of lengths, all of them the same: of 128 a block, each with no bits of its own. */
const lengths = (count: number, length: number) => [
  ...[...varint(128), 1, ...varint(count), ...varint(2 * length)],
  ...Array.from({ length: Math.ceil((count - 1) / 128) }, () => [0, 0]).flat(),
];

function first(bytes: number[], { values, encoding = 'PLAIN' }: { values: number; encoding?: string }) {
  const data_page_header = { num_values: values, encoding };
  return decode(bytes, { type: 'DATA_PAGE', data_page_header });
}

function second(
  levels: number[],
  data: number[],
  { values, encoding = 'PLAIN' }: { values: number; encoding?: string },
) {
  const sizes = { repetition_levels_byte_length: 0, definition_levels_byte_length: levels.length };
  const data_page_header_v2 = { num_values: values, num_nulls: 0, num_rows: values, encoding, ...sizes };
  return decode([...levels, ...data], { type: 'DATA_PAGE_V2', data_page_header_v2 });
}

function decode(bytes: number[], header: object, more: Partial<ColumnDecoder> & { size?: number } = {}) {
  const { size = bytes.length, ...decoder } = more;
  const sizes = { compressed_page_size: bytes.length, uncompressed_page_size: size };
  const dictionary = [Buffer.from('a'), Buffer.from('b')];
  return decodePage(Uint8Array.from(bytes), {
    header: { ...header, ...sizes } as unknown as PageHeader,
    decoder: { ...DECODER, ...decoder },
    dictionary,
  });
}

describe('a page of Parquet', () => {
  const words = [1, 0, 0, 0, 0x61, 1, 0, 0, 0, 0x62];
  const texts = (values: ArrayLike<unknown>) =>
    Array.from(values, (value) => value && String(Buffer.from(value as Uint8Array)));

  it('does not take the memory that a run of it asks for', () => {
    const huge = run(GIB, 1);
    const refused = /one run of a page of 3 values has 1073741824/;
    assert.throws(() => first([...withLength(huge), ...words], { values: 3 }), refused);
    assert.throws(() => second(huge, words, { values: 3 }), refused);
    const levels = run(3, 1);
    const encoding = 'RLE_DICTIONARY';
    assert.throws(() => first([...withLength(levels), 1, ...huge], { values: 3, encoding }), refused);
    assert.throws(() => second(levels, [1, ...huge], { values: 3, encoding }), refused);
    assert.ok(PAGE_LIMITS.values < GIB);
  });

  it('does not take the memory that texts ask for which repeat one another', () => {
    const data = (count: number) => [...lengths(count, 100_000_000), ...lengths(count, 0)];
    const encoding = 'DELTA_BYTE_ARRAY';
    const refused = /its 200 texts would have 20000000000 bytes/;
    assert.throws(() => first([...withLength(run(200, 1)), ...data(200)], { values: 200, encoding }), refused);
    assert.throws(() => second(run(200, 1), data(200), { values: 200, encoding }), refused);
  });

  it('is refused where its differences come in blocks that never end', () => {
    // Four billion parts a block, which as a signed number is -1.
    const endless = [...varint(128), 0xff, 0xff, 0xff, 0xff, 0x0f, 2, 0, 0];
    const refused = /blocks of 128 values in -1 parts/;
    const data = [endless, [...lengths(2, 0), ...endless]];
    for (const bytes of data) {
      const encoding = 'DELTA_BYTE_ARRAY';
      assert.throws(() => second(run(2, 1), bytes, { values: 2, encoding }), refused);
      assert.throws(() => first([...withLength(run(2, 1)), ...bytes], { values: 2, encoding }), refused);
    }
    for (const encoding of ['DELTA_LENGTH_BYTE_ARRAY', 'DELTA_BINARY_PACKED']) {
      assert.throws(() => second(run(2, 1), endless, { values: 2, encoding }), refused);
    }
    assert.throws(() => second(run(2, 1), [0, 1, 2, 0], { values: 2, encoding: 'DELTA_BINARY_PACKED' }), /of 0 values/);
  });

  it('does not take the memory that compressed data asks for', () => {
    // A frame of blocks that repeat one byte two million times each: 40 GB.
    const block = [0b010 | ((0x1fffff << 3) & 0xff), 0xff, 0xff, 0x61];
    const frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 0x50, ...Array.from({ length: 20_000 }, () => block).flat(), 1, 0, 0];
    const header = { type: 'DICTIONARY_PAGE', dictionary_page_header: { num_values: 1 } };
    const before = process.memoryUsage().rss;
    const page = () => decode(frame, header, { codec: 'ZSTD', size: 1000 });
    assert.throws(page, /offset is out of bounds|Invalid typed array length|out of range/i);
    assert.ok(process.memoryUsage().rss - before < 2 ** 28);
  });

  it('is refused where Zstandard data is shorter than the page, whatever its last byte', () => {
    const header = { type: 'DICTIONARY_PAGE', dictionary_page_header: { num_values: 1 } };
    for (const last of [0xa5, 0x5a, 0]) {
      const text = [2, 0, 0, 0, 0x61, last];
      const frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 0x50, (text.length << 3) | 1, 0, 0, ...text]; // one raw block, the last
      const page = (size: number) => decode(frame, header, { codec: 'ZSTD', size });
      assert.equal(page(6).length, 1);
      assert.throws(() => page(7), /a page of 7 bytes holds fewer/);
    }
  });

  it('is decoded whatever its version and encoding', () => {
    const levels = [...run(1, 1), ...run(1, 0), ...run(1, 1)];
    const values = 3;
    assert.deepEqual(texts(first([...withLength(levels), ...words], { values })), ['a', null, 'b']);
    const encoding = 'RLE_DICTIONARY';
    assert.deepEqual(texts(first([...withLength(run(3, 1)), 1, ...run(2, 1), ...run(1, 0)], { values, encoding })), [
      'b',
      'b',
      'a',
    ]);
    const delta = [...lengths(3, 0), ...lengths(3, 1), 0x61, 0x62, 0x63];
    assert.deepEqual(texts(second(run(3, 1), delta, { values, encoding: 'DELTA_BYTE_ARRAY' })), ['a', 'b', 'c']);
  });
});
