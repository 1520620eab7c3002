import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compressionRegistry, CompressionType, tableFromIPC, tableToIPC } from 'apache-arrow';
import { readArrow } from '../../../indexer/readers/arrow.js';
import type { SkippedImage, SourceImage } from '../../../indexer/readers/reader.js';
import { openSource } from '../../../indexer/readers/source.js';
import { readOriginal } from '../../../src/original.js';
import { temporaryFolder } from '../../fixture.js';
import { collect } from '../collect.js';
import { type ArrowColumns, arrowFile, arrowStream, writeArrow } from './arrowfile.js';

/** As ViLT's write_coco_karpathy.py writes them, here in two batches. */
const KARPATHY: ArrowColumns = {
  image: { type: 'binary', batches: [[Buffer.from('one'), Buffer.from('two')], [Buffer.from('three')]] },
  caption: { type: 'texts', batches: [[['a fox', 'two foxes'], ['a house']], [['a tree']]] },
  image_id: { type: 'utf8', batches: [['1.jpg', '2.jpg'], ['3.jpg']] },
  split: { type: 'utf8', batches: [['restval', 'train'], ['test']] },
};

describe("ViLT's Arrow files", () => {
  const temporary = temporaryFolder();
  let count = 0;

  function newFile(bytes: Uint8Array, name = 'coco_caption_karpathy_train.arrow'): string {
    const folder = path.join(temporary.path, String((count += 1)));
    mkdirSync(folder);
    writeFileSync(path.join(folder, name), bytes);
    return path.join(folder, name);
  }

  const read = async (source: string): Promise<(SourceImage | SkippedImage)[]> =>
    collect((await readArrow({ path: source })).entries());

  async function textsOf(file: string): Promise<string[]> {
    const images = (await read(file)).filter((entry): entry is SourceImage => 'name' in entry);
    const root = path.dirname(file);
    return Promise.all(
      images.map(async ({ location }) =>
        Buffer.from(await readOriginal({ root, location }, { bytes: 1e6 })).toString(),
      ),
    );
  }

  it('must be there, and be Arrow', async () => {
    await assert.rejects(readArrow({ path: path.join(temporary.path, 'none.arrow') }), { code: 'FILE_NOT_FOUND' });
    for (const bytes of ['', 'ARROW1', 'ARROW1\0\0', `ARROW1\0\0${'x'.repeat(1000)}ARROW1`, 'text '.repeat(100)]) {
      await assert.rejects(readArrow({ path: newFile(Buffer.from(bytes)) }), { code: 'SOURCE_INVALID' }, bytes);
    }
  });

  it('are refused without a column of pictures, and say which columns they have', async () => {
    const file = newFile(
      arrowFile({ url: { type: 'utf8', batches: [['x']] }, image: { type: 'utf8', batches: [['x']] } }),
    );
    await assert.rejects(readArrow({ path: file }), {
      code: 'SOURCE_INVALID',
      message: /url \(scalar\), image \(scalar\)/,
    });
    const good = newFile(arrowFile(KARPATHY));
    for (const columns of [{ image: 'picture' }, { image: 'split' }, { caption: 'image_0' }]) {
      await assert.rejects(readArrow({ path: good, columns }), { code: 'SOURCE_INVALID' }, JSON.stringify(columns));
    }
    await assert.rejects(readArrow({ path: good, images: '.' }), { code: 'INVALID_ARGUMENT' });
  });

  it('refuse compressed batches, where pictures do not lie as they are', async () => {
    compressionRegistry.set(CompressionType.ZSTD, { encode: storeZstd });
    const table = tableFromIPC(arrowStream(KARPATHY));
    const [entry] = await read(newFile(tableToIPC(table, 'stream', CompressionType.ZSTD)));
    assert.match((entry as SkippedImage).reason, /compressed; write it again without/);
  });

  it('are read up to where they were cut, with and without a footer', async () => {
    const whole = arrowFile(KARPATHY);
    for (const bytes of [whole, arrowStream(KARPATHY)]) {
      const seen = new Set<number>();
      const names = async (end: number) => {
        const entries = await read(newFile(bytes.subarray(0, end))).catch((error: Error & { code?: string }) => {
          assert.equal(error.code, 'SOURCE_INVALID', String(error));
          return [];
        });
        return entries.map((entry) => ('name' in entry ? path.basename(entry.name) : entry.reason.replace(/\d+/, 'N')));
      };
      const all = ['1.jpg', '2.jpg', '3.jpg'];
      assert.deepEqual(await names(bytes.length), all);
      for (let end = 0; end < bytes.length; end += 41) {
        const found = await names(end);
        const images = found.filter((name) => name.endsWith('.jpg'));
        assert.deepEqual(images, all.slice(0, images.length), `cut at ${end}`);
        seen.add(images.length);
        assert.ok(
          images.length === 3 || found.length !== 1 || found[0].includes('cut short'),
          `cut at ${end}: ${found.join()}`,
        );
      }
      assert.ok(seen.has(0) && seen.has(2), `of a batch of two and one of one: ${[...seen].join()}`);
    }
  });

  it('are read up to what their footer says wrong', async () => {
    const bytes = Buffer.from(arrowFile(KARPATHY));
    const footer = bytes.length - 10 - bytes.readInt32LE(bytes.length - 10);
    const { length } = bytes;
    // Where the batches are: numbers of eight bytes, below the footer's own place.
    for (const place of [-5n, 2n ** 62n, BigInt(length)]) {
      const harmed = Buffer.from(bytes);
      let blocks = 0;
      for (let at = footer; at + 24 <= length - 10; at += 4) {
        const offset = Number(bytes.readBigInt64LE(at));
        // A message begins with its marker.
        if (offset < 8 || offset >= footer || bytes.readUInt32LE(offset) !== 0xffffffff) continue;
        harmed.writeBigInt64LE(place, at);
        blocks += 1;
      }
      assert.ok(blocks > 0);
      const entries = await read(newFile(harmed)).catch((error: unknown) => [error]);
      assert.match(JSON.stringify(entries) + String(entries[0]), /footer|cut|no rows|none/i, String(place));
    }
  });

  it('skip a row without a picture or with a bad caption, and read the rest', async () => {
    const file = newFile(
      arrowFile({
        image: { type: 'binary', batches: [[null, Buffer.from('two'), Buffer.from('three'), Buffer.alloc(0)]] },
        caption: { type: 'texts', batches: [[['a'], ['x'.repeat(20_000)], null, ['d']]] },
        image_id: { type: 'utf8', batches: [['1.jpg', '2.jpg', '3.jpg', '4.jpg']] },
      }),
    );
    const [first, second, third, fourth] = await read(file);
    assert.deepEqual(first, { file: `${path.basename(file)}/1.jpg`, reason: 'row 0 has no picture in "image"' });
    assert.match((second as SkippedImage).reason, /a caption has 20000 characters/);
    assert.deepEqual((third as SourceImage).captions, []);
    assert.deepEqual((fourth as SourceImage).location, { file: path.basename(file), offset: (fourth as SourceImage & { location: { offset: number } }).location.offset, bytes: 0 }); // prettier-ignore
  });

  it('have names of their own for rows whose ids are missing, hostile, or there twice', async () => {
    const ids = ['1.jpg', '1.jpg', null, '../up.jpg', '/etc/x.jpg', 'a\0b', 'deep/2.jpg', 'x'.repeat(1000)];
    const file = newFile(
      arrowFile({
        image: { type: 'binary', batches: [ids.map(() => Buffer.from('x'))] },
        image_id: { type: 'utf8', batches: [ids] },
      }),
      'f.arrow',
    );
    assert.deepEqual(
      (await read(file)).map((entry) => ('name' in entry ? entry.name : entry.reason)),
      [
        'f.arrow/1.jpg',
        'f.arrow:1',
        'f.arrow:2',
        'f.arrow:3',
        'f.arrow:4',
        'f.arrow:5',
        'f.arrow/deep/2.jpg',
        'f.arrow:7',
      ],
    );
  });

  for (const [how, bytes] of Object.entries({ file: arrowFile(KARPATHY), stream: arrowStream(KARPATHY) })) {
    it(`give pictures where they lie, with captions, split and attributes (${how})`, async () => {
      const file = newFile(bytes);
      const reader = await openSource({ source: file });
      assert.deepEqual([reader.format, reader.total, reader.root], ['arrow', 3, path.dirname(file)]);
      const images = (await collect(reader.entries())) as SourceImage[];
      const base = path.basename(file);
      assert.deepEqual(
        images.map(({ name, captions, split, attributes }) => [name, captions, split, attributes]),
        [
          [`${base}/1.jpg`, ['a fox', 'two foxes'], 'train', { image_id: '1.jpg' }],
          [`${base}/2.jpg`, ['a house'], 'train', { image_id: '2.jpg' }],
          [`${base}/3.jpg`, ['a tree'], 'test', { image_id: '3.jpg' }],
        ],
      );
      assert.deepEqual(await textsOf(file), ['one', 'two', 'three']);
      assert.ok(images.every(({ bytes }) => bytes === undefined));
    });
  }

  it('of VQA have attributes and no captions', async () => {
    const file = newFile(
      arrowFile({
        image: { type: 'binary', batches: [[Buffer.from('x'), Buffer.from('y')]] },
        questions: { type: 'texts', batches: [[['what?'], ['who?']]] },
        image_id: { type: 'int64', batches: [[262148n, 2n ** 60n]] },
        answerable: { type: 'bool', batches: [[true, null]] },
        made: { type: 'time', batches: [[new Date(0), null]] },
        split: { type: 'utf8', batches: [['val', 'val']] },
      }),
      'vqav2_val.arrow',
    );
    const images = (await read(file)) as SourceImage[];
    assert.deepEqual(
      images.map(({ name, captions, split, attributes }) => ({ name, captions, split, attributes })),
      [
        {
          name: 'vqav2_val.arrow/262148',
          captions: [],
          split: 'val',
          attributes: { image_id: 262148, answerable: true, made: '1970-01-01T00:00:00.000Z' },
        },
        {
          name: 'vqav2_val.arrow/1152921504606846976',
          captions: [],
          split: 'val',
          attributes: { image_id: '1152921504606846976', answerable: null, made: null },
        },
      ],
    );
  });

  it('may hold pictures in structs, or in a column that is named', async () => {
    const pictures = [{ bytes: Buffer.from('one'), path: 'a.jpg' }, { bytes: null, path: 'b.jpg' }, null];
    const struct = newFile(arrowFile({ image: { type: 'picture', batches: [pictures] } }), 'hf.arrow');
    assert.deepEqual(
      (await read(struct)).map((entry) => ('name' in entry ? entry.name : entry.file)),
      ['hf.arrow/a.jpg', 'hf.arrow/b.jpg', 'hf.arrow:2'],
    );
    assert.deepEqual(await textsOf(struct), ['one']);
    const named = newFile(
      arrowFile({
        image_0: { type: 'binary', batches: [[Buffer.from('left')]] },
        image_1: { type: 'binary', batches: [[Buffer.from('right')]] },
        remark: { type: 'utf8', batches: [['two pictures']] },
      }),
    );
    const reader = await readArrow({ path: named, columns: { image: 'image_1', caption: 'remark' } });
    const [image] = (await collect(reader.entries())) as SourceImage[];
    assert.deepEqual(image.captions, ['two pictures']);
    const bytes = await readOriginal({ root: reader.root, location: image.location }, { bytes: 100 });
    assert.equal(Buffer.from(bytes).toString(), 'right');
  });

  it('are all of a folder, and one that is none is an entry', async () => {
    const folder = path.join(temporary.path, 'folder');
    mkdirSync(folder);
    writeArrow(path.join(folder, 'f30k_caption_karpathy_train.arrow'), KARPATHY);
    writeArrow(path.join(folder, 'f30k_caption_karpathy_val.arrow'), KARPATHY);
    writeFileSync(path.join(folder, 'notes.arrow'), 'text');
    const reader = await openSource({ source: folder });
    assert.deepEqual([reader.format, reader.total], ['arrow', 7]);
    const entries = await collect(reader.entries());
    assert.equal(entries.length, 7);
    assert.equal((entries[6] as SkippedImage).file, 'notes.arrow');
  });
});

/** A Zstandard frame of one block that is not compressed. */
function storeZstd(data: Uint8Array): Uint8Array {
  const head = Buffer.from('28b52ffda000000000000000', 'hex');
  head.writeUInt32LE(data.length, 5);
  head.writeUIntLE(data.length * 8 + 1, 9, 3);
  return Buffer.concat([head, data]);
}
