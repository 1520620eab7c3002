import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { captionParts, DatasetWriter, exportedEntry, exportedName } from '../../indexer/dataset.js';
import { openSource } from '../../indexer/readers/source.js';
import { STORE_LIMITS, type StoredImage } from '../../src/store/store.js';
import { temporaryFolder } from '../fixture.js';

const JPEG = Buffer.from('ffd8ffe0', 'hex');

describe('exportedName', () => {
  const names: [file: string, expected: string][] = [
    ['a/b/fox.jpg', 'fox-7.jpg'],
    ['FOX.JPEG', 'FOX-7.jpg'],
    ['../../etc/passwd', 'passwd-7.jpg'],
    ['..', 'image-7.jpg'],
    ['', 'image-7.jpg'],
    ['.hidden.jpg', 'hidden-7.jpg'],
    ['-rf.jpg', 'rf-7.jpg'],
    ['a\nb\u0000c\u202e.png', 'a_b_c_-7.jpg'],
    ['C:\\pictures\\a?*"<>|.jpg', 'C_pictures_a_-7.jpg'],
    ['CON.jpg', 'CON-7.jpg'],
    ['füchse im Wald 日本.jpg', 'füchse_im_Wald_日本-7.jpg'],
    ['fu\u0308chse.jpg', 'füchse-7.jpg'],
    ['🦊.jpg', '_-7.jpg'],
    ['a. . .jpg', 'a._._-7.jpg'],
    [`${'é'.repeat(200)}.jpg`, `${'é'.repeat(40)}-7.jpg`],
    ['shard.tar/000.jpg', '000-7.jpg'],
    ['table.parquet/12', '12-7.jpg'],
  ];
  for (const [file, expected] of names) {
    it(`makes of ${JSON.stringify(file.slice(0, 30))} ${expected.slice(0, 30)}`, () => {
      const name = exportedName({ file, imageId: 7 }, JPEG);
      assert.equal(name, expected.replace(/^_(?=-7)/, 'image'));
      assert.equal(path.basename(name), name);
      assert.ok(Buffer.byteLength(name) < 120);
    });
  }

  it('tells the parts of an image from each other, and from any other image', () => {
    const part = (number: number, file = 'fox.jpg') => exportedName({ file, imageId: 7, part: number }, JPEG);
    assert.deepEqual([part(1), part(2), part(12)], ['fox-7.jpg', 'fox-7.2.jpg', 'fox-7.12.jpg']);
    for (const file of ['fox-7.jpg', 'fox-7.2.jpg', 'fox.jpg']) {
      assert.notEqual(exportedName({ file, imageId: 2 }, JPEG), part(2));
    }
  });

  it('calls a file by what its bytes are', () => {
    const kinds: Record<string, string> = {
      '.png': '89504e470d0a1a0a',
      '.webp': '524946460000000057454250',
      '.gif': '474946383961',
      '.avif': '00000020667479706176696600',
      '.tif': '49492a00',
    };
    for (const [extension, hex] of Object.entries(kinds)) {
      assert.equal(exportedName({ file: 'a.jpg', imageId: 1 }, Buffer.from(hex, 'hex')), `a-1${extension}`);
    }
  });
});

const image = (changes: Partial<StoredImage>): StoredImage => ({
  ...{ imageId: 1, file: 'a.jpg', root: '/', location: { file: 'a.jpg' }, contentHash: '', bytes: 1, modified: 1 },
  ...{ width: 1, height: 1, split: null, attributes: {}, captions: [], missing: false, searchable: true },
  ...changes,
});

describe('captionParts', () => {
  const parts = (captions: string[], changes: Partial<StoredImage> = {}) =>
    captionParts(image({ captions, ...changes }), { dimension: 256 });
  const texts = (count: number, length: number) => Array.from({ length: count }, (_, i) => `${i} `.padEnd(length, 'x'));

  it('is one part for what a store takes of one file, captions or none', () => {
    for (const captions of [[], ['a fox'], texts(STORE_LIMITS.batchItems - 1, 20)]) {
      assert.deepEqual(parts(captions), [captions]);
    }
  });

  it('loses no caption of more, in their order, and no part has more than a store takes', () => {
    const attributes = Object.fromEntries(texts(100, 100).map((name) => [name, 'x'.repeat(10_000)]));
    for (const captions of [texts(1001, 20), texts(900, 10_000), texts(5000, 2000)]) {
      const found = parts(captions, { attributes });
      assert.ok(found.length > 1 && found.every(({ length }) => length > 0 && length < STORE_LIMITS.batchItems));
      assert.deepEqual(found.flat(), captions);
      for (const part of found) {
        const bytes = part.join('').length + 1024 * part.length + JSON.stringify(attributes).length;
        assert.ok(bytes < STORE_LIMITS.batchBytes, String(bytes));
      }
    }
  });
});

describe('DatasetWriter', () => {
  const temporary = temporaryFolder();

  it('writes over nothing', async () => {
    const file = path.join(temporary.path, 'taken.json');
    writeFileSync(file, 'mine');
    await assert.rejects(DatasetWriter.begin(file, 'x'), { code: 'EEXIST' });
    assert.equal(readFileSync(file, 'utf8'), 'mine');
  });

  it('writes what the reader of Karpathy’s layout reads back, whatever captions and attributes say', async () => {
    const file = path.join(temporary.path, 'dataset.json');
    mkdirSync(path.join(temporary.path, 'images'));
    const images = [
      image({ captions: ['a "fox" \\ \u2028 </script>', '日本', '🦊'], split: 'test' }),
      image({ attributes: { year: 2014, rating: 0.5, ok: true, nothing: null, who: 'Ada' } }),
      image({ attributes: { filename: 'evil', filepath: '..', sentences: 1, split: 'no', attributes: 'x', imgid: 3 } }),
      image({
        attributes: JSON.parse('{"__proto__":"p","constructor":"c","":"left out"}') as StoredImage['attributes'],
      }),
      image({ captions: Array.from({ length: 300 }, (_, i) => `caption ${i} ${'x'.repeat(300)}`) }),
    ];
    const writer = await DatasetWriter.begin(file, 'a "name"');
    for (const [at, one] of images.entries()) {
      writeFileSync(path.join(temporary.path, 'images', `${at}.jpg`), JPEG);
      await writer.add(exportedEntry(one, `${at}.jpg`));
    }
    await writer.finish();

    const reader = await openSource({ source: file });
    assert.equal(reader.format, 'karpathy');
    const entries = [];
    for await (const entry of reader.entries()) entries.push(entry);
    const expected = images.map(({ captions, split, attributes }, at) => {
      const kept = Object.fromEntries(Object.entries(attributes).filter(([name]) => name !== ''));
      const texts = captions.map((text) => text.replace(/\s+/g, ' '));
      return {
        name: `images/${at}.jpg`,
        location: { file: `images/${at}.jpg` },
        captions: texts,
        split,
        attributes: kept,
      };
    });
    assert.deepEqual(entries, expected);
  });
});
