import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readParquet } from '../../../indexer/readers/parquet.js';
import type { SkippedImage, SourceImage } from '../../../indexer/readers/reader.js';
import { openSource } from '../../../indexer/readers/source.js';
import { readOriginal } from '../../../src/original.js';
import { IMAGE_LIMITS } from '../../../src/vilt/limits.js';
import { fixture, temporaryFolder } from '../../fixture.js';
import { collect } from '../collect.js';
import { type ParquetOptions, writeParquet } from './parquetfile.js';

const HUGGING_FACE = fixture('readers', 'huggingface');
const TRAIN = path.join(HUGGING_FACE, 'data', 'train-00000-of-00001.parquet');

describe('Parquet with pictures', () => {
  const temporary = temporaryFolder();
  let count = 0;

  function newFile(content: ParquetOptions | Uint8Array, name = 'table.parquet'): string {
    const folder = path.join(temporary.path, String((count += 1)));
    mkdirSync(folder);
    const file = path.join(folder, name);
    if (content instanceof Uint8Array) writeFileSync(file, content);
    else writeParquet(file, content);
    return file;
  }

  const read = async (source: string): Promise<(SourceImage | SkippedImage)[]> =>
    collect((await readParquet({ path: source })).entries());

  it('must be there, be Parquet, and be whole', async () => {
    await assert.rejects(readParquet({ path: path.join(temporary.path, 'none.parquet') }), { code: 'FILE_NOT_FOUND' });
    const whole = readFileSync(TRAIN);
    for (const bytes of [Buffer.alloc(0), Buffer.from('PAR1'), Buffer.from('PAR1PAR1'), whole.subarray(0, -1)]) {
      await assert.rejects(readParquet({ path: newFile(bytes) }), { code: 'SOURCE_INVALID' }, String(bytes.length));
    }
    const huge = Buffer.from(whole);
    huge.writeUInt32LE(0x7fffffff, huge.length - 8);
    await assert.rejects(readParquet({ path: newFile(huge) }), {
      code: 'SOURCE_INVALID',
      message: /longer than the file/,
    });
    await assert.rejects(openSource({ source: newFile(whole.subarray(0, 1000)) }), { message: /may be cut short/ });
  });

  it('is refused without a column of pictures, and says which columns it has', async () => {
    const file = newFile({ columns: [{ name: 'url', type: 'string' }], groups: [[['x']]] });
    await assert.rejects(readParquet({ path: file }), { code: 'SOURCE_INVALID', message: /it has url \(scalar\)/ });
    for (const columns of [{ image: 'picture' }, { image: 'img_id' }, { caption: 'image' }, { split: 'caption' }]) {
      await assert.rejects(readParquet({ path: TRAIN, columns }), { code: 'SOURCE_INVALID' }, JSON.stringify(columns));
    }
    await assert.rejects(readParquet({ path: TRAIN, images: '.' }), { code: 'INVALID_ARGUMENT' });
  });

  const columns = [
    { name: 'image', type: 'bytes' },
    { name: 'caption', type: 'string' },
  ] as const;
  const groups = [
    [
      [Buffer.from('one'), 'a fox'],
      [Buffer.from('two'), 'a house'],
    ],
    [
      [Buffer.from('three'), 'a tree'],
      [Buffer.from('four'), 'a boat'],
    ],
  ];

  for (const [what, lie] of Object.entries({
    'more bytes than there are': (header) => ({ ...header, stored: 2 ** 30 }),
    'more bytes than memory has': (header) => ({ ...header, bytes: 2 ** 31 - 1 }),
    'fewer than no bytes': (header) => ({ ...header, stored: -5 }),
    'more values than there are': (header) => ({ ...header, values: 1000 }),
    'more values than memory holds': (header) => ({ ...header, values: 2 ** 31 - 1 }),
    'fewer values than there are': (header) => ({ ...header, values: 1 }),
  } satisfies Record<string, ParquetOptions['lie']>)) {
    it(`skips a row group whose pages say that they hold ${what}`, async () => {
      const entries = await read(newFile({ columns: [...columns], groups, lie }));
      for (const [i, start] of [0, 2].entries()) {
        const skipped = entries.filter((entry) => 'reason' in entry)[i];
        assert.equal(skipped.file, `table.parquet:${start}-${start + 1}`);
      }
    });
  }

  it('reads other row groups where one is damaged', async () => {
    const file = newFile({ columns: [...columns], groups });
    const bytes = readFileSync(file);
    bytes.fill(0xff, 4, 30);
    writeFileSync(file, bytes);
    const [damaged, ...rest] = await read(file);
    assert.equal((damaged as SkippedImage).file, 'table.parquet:0-1');
    assert.deepEqual(
      rest.map((entry) => 'captions' in entry && entry.captions),
      [['a tree'], ['a boat']],
    );
  });

  it('skips a row whose caption is too long or no text, and reads the rest', async () => {
    const file = newFile({
      columns: [...columns].map(({ name }) => ({ name, type: 'bytes' })),
      groups: [[
        [Buffer.from('x'), Buffer.from('a fox')],
        [Buffer.from('x'), Buffer.from([0xff, 0xfe])],
        [Buffer.from('x'), Buffer.alloc(20_000, 'x')],
        [Buffer.from('x'), null],
      ]],
    }); // prettier-ignore
    const entries = await read(file);
    assert.deepEqual(
      entries.map((entry) => ('reason' in entry ? entry.reason : entry.captions)),
      [
        ['a fox'],
        'caption: expected text, got bytes that are not UTF-8',
        'a caption has 20000 characters; at most 10000 are read',
        [],
      ],
    );
  });

  it('does not bring along a picture that is too large to be read', async () => {
    const file = newFile({
      columns: [columns[0]],
      groups: [[[Buffer.alloc(IMAGE_LIMITS.bytes + 1)], [Buffer.from('x')]]],
    });
    const [large, small] = (await read(file)) as SourceImage[];
    assert.deepEqual([large.bytes, small.bytes?.length], [undefined, 1]);
    const original = { root: path.dirname(file), location: large.location };
    await assert.rejects(readOriginal(original, IMAGE_LIMITS), { code: 'IMAGE_TOO_LARGE' });
  });

  it('gives the pictures of a Hugging Face dataset with captions, split and attributes', async () => {
    const reader = await openSource({ source: HUGGING_FACE });
    assert.deepEqual([reader.format, reader.total], ['parquet', 7]);
    const entries = await collect(reader.entries());
    const train = 'data/train-00000-of-00001.parquet';
    const test = 'data/test-00000-of-00001.parquet';
    assert.deepEqual(
      entries.map((entry) =>
        'reason' in entry ? entry : [entry.name, entry.captions, entry.split, entry.attributes],
      ),
      [
        [`${test}/6`, ['a sixth square'], 'test', { img_id: 6 }],
        [`${test}/7`, ['a seventh square'], 'test', { img_id: 7 }],
        [`${train}/0.jpg`, ['a red square', 'a square'], 'train', { img_id: 1, score: 0.5, safe: true, source: 'web' }],
        [`${train}/1.jpg`, ['a second square'], 'train', { img_id: 2, score: null, safe: false, source: 'web' }],
        [`${train}/2.jpg`, [], 'train', { img_id: 3, score: 1.5, safe: null, source: 'web' }],
        { file: `${train}/3.jpg`, reason: 'row 3 has no picture in "image"' },
        [`${train}/4.jpg`, ['a fifth square'], 'train', { img_id: '9007199254740993', score: 2.5, safe: true, source: null }],
      ],
    ); // prettier-ignore
    for (const entry of entries) {
      if ('reason' in entry) continue;
      const bytes = Buffer.from(await readOriginal({ root: reader.root, location: entry.location }, IMAGE_LIMITS));
      assert.deepEqual(bytes, Buffer.from(entry.bytes!));
      assert.equal(bytes.toString('hex', 0, 3), 'ffd8ff');
      // Whoever sends it to a thread would send all that it is a view of.
      assert.equal(entry.bytes!.buffer.byteLength, bytes.length);
    }
  });

  it('takes captions and pictures from columns that are named', async () => {
    const reader = await readParquet({ path: TRAIN, columns: { image: 'image', caption: 'sentids', split: 'source' } });
    const [first] = (await collect(reader.entries())) as SourceImage[];
    assert.deepEqual([first.captions, first.split, first.attributes], [['0', '1'], 'web', { img_id: 1, score: 0.5, safe: true }]); // prettier-ignore
  });

  it('reads pages and lists that begin in one page and end in another, and rows one by one', async () => {
    const rows = Array.from({ length: 50 }, (_, i) => [
      i % 7 === 3 ? null : Buffer.from(`picture ${i}`),
      Array.from({ length: i % 4 }, (_, j) => `caption ${i} ${j}`),
    ]);
    const file = newFile({
      columns: [{ name: 'png', type: 'bytes' }, { name: 'captions', type: 'strings' }],
      groups: [rows.slice(0, 30), rows.slice(30)],
      pageRows: 4,
    }); // prettier-ignore
    const entries = await read(file);
    for (const [i, entry] of entries.entries()) {
      if (rows[i][0] === null) assert.ok('reason' in entry);
      else {
        const image = entry as SourceImage;
        assert.deepEqual([String(Buffer.from(image.bytes!)), image.captions], [`picture ${i}`, rows[i][1]]);
        const again = await readOriginal({ root: path.dirname(file), location: image.location }, IMAGE_LIMITS);
        assert.equal(String(Buffer.from(again)), `picture ${i}`);
      }
    }
    assert.equal(entries.length, 50);
  });

  it('is not recognised where there is no picture in it, nor beside pictures', async () => {
    const file = newFile({ columns: [{ name: 'url', type: 'string' }], groups: [[['x']]] });
    await assert.rejects(openSource({ source: path.dirname(file) }), { code: 'SOURCE_INVALID' });
    const folder = path.dirname(newFile(readFileSync(TRAIN)));
    copyFileSync(fixture('preprocess', 'small_90x60.png'), path.join(folder, 'fox.png'));
    assert.equal((await openSource({ source: folder })).format, 'folder');
  });
});
