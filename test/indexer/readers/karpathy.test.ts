import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SkippedImage, SourceImage } from '../../../indexer/readers/reader.js';
import { openSource } from '../../../indexer/readers/source.js';
import { fixture, temporaryFolder } from '../../fixture.js';
import { collect } from '../collect.js';

const PICTURE = fixture('preprocess', 'small_90x60.png');

describe('Karpathy JSON', () => {
  const temporary = temporaryFolder();
  let count = 0;

  /** Writes `json` (text, bytes or a value) as dataset.json with pictures beside it, in a folder of its own. */
  function dataset(json: unknown, pictures: string[] = ['a.png']): string {
    const folder = path.join(temporary.path, String((count += 1)));
    for (const picture of pictures) {
      mkdirSync(path.dirname(path.join(folder, picture)), { recursive: true });
      copyFileSync(PICTURE, path.join(folder, picture));
    }
    const file = path.join(folder, 'dataset.json');
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, typeof json === 'string' || Buffer.isBuffer(json) ? json : JSON.stringify(json));
    return file;
  }

  async function read(source: string, images?: string): Promise<(SourceImage | SkippedImage)[]> {
    return collect((await openSource({ source, images })).entries());
  }

  const entry = (filename: string, ...captions: string[]) => ({
    filename,
    sentences: captions.map((raw) => ({ raw, tokens: raw.split(' ') })),
  });

  function rejects(json: unknown, message: RegExp): Promise<void> {
    return assert.rejects(openSource({ source: dataset(json) }), { code: 'SOURCE_INVALID', message });
  }

  it('is refused whole where it is not JSON, not UTF-8, or has no images', async () => {
    await rejects('{"images": [', /dataset\.json is not a Karpathy JSON file: it is not JSON/);
    await rejects(Buffer.from([0x7b, 0xff, 0xfe]), /not UTF-8/);
    await rejects('null', /no list named "images"/);
    await rejects({ images: 'a.png' }, /no list named "images"/);
    await rejects({ images: [] }, /empty/);
  });

  it('is refused, with the first reason, where no entry can be used', async () => {
    await rejects({ images: [{ filename: 'a.png' }, 7] }, /none of its 2 entries.*images\[0\]: sentences: /);
  });

  it('skips an entry without a name or with captions of the wrong kind, and reads the rest', async () => {
    const images = [
      { sentences: [] },
      { filename: 'b.png', sentences: 'a fox' },
      { filename: 'c.png', sentences: [{ raw: 7 }] },
      null,
      entry('a.png', 'a fox'),
    ];
    const entries = await read(dataset({ images }));
    assert.equal(entries.length, 5);
    const reasons = entries.slice(0, 4).map((one) => `${(one as SkippedImage).file} ${(one as SkippedImage).reason}`);
    assert.match(reasons[0], /^images\[0\] filename: .*expected string/);
    assert.match(reasons[1], /^images\[1\] sentences: .*expected array/);
    assert.match(reasons[2], /^images\[2\] sentences\.0\.raw: .*expected string/);
    assert.match(reasons[3], /^images\[3\] entry: .*expected object/);
    assert.deepEqual((entries[4] as SourceImage).captions, ['a fox']);
  });

  it('refuses a path that leaves the folder of the pictures', async () => {
    const hostile = ['../secret.png', '/etc/passwd', 'x/../../other.png', 'a\0.png', '..', '.'];
    const images = [...hostile.map((name) => entry(name, 'a fox')), entry('a.png', 'a fox')];
    const entries = await read(dataset({ images }));
    for (const [index, name] of hostile.entries()) {
      assert.deepEqual(entries[index], { file: name, reason: 'its path leaves the folder of the pictures' });
    }
    assert.equal((entries.at(-1) as SourceImage).name, 'a.png');
  });

  it('skips a picture that is listed twice, however it is written', async () => {
    const images = [entry('a.png', 'first'), entry('./a.png', 'second'), entry('a.png', 'third')];
    const [first, ...others] = await read(dataset({ images }));
    assert.deepEqual((first as SourceImage).captions, ['first']);
    assert.deepEqual(others, [
      { file: './a.png', reason: 'images[1] lists it a second time' },
      { file: 'a.png', reason: 'images[2] lists it a second time' },
    ]);
  });

  it('skips a picture with a caption of a megabyte', async () => {
    const images = [entry('huge.png', 'x'.repeat(1_000_000)), entry('a.png', 'a fox')];
    const [huge] = await read(dataset({ images }));
    assert.deepEqual(huge, { file: 'huge.png', reason: 'a caption has 1000000 characters; at most 10000 are read' });
  });

  it('makes captions one line of well-formed Unicode, and leaves out those without a word', async () => {
    const images = [entry('a.png', ' a fox\n at\tnight ', '\u200B', '', '!', 'lone \uD800 surrogate', 'bell\u0007')];
    const [only] = await read(dataset({ images }));
    assert.deepEqual((only as SourceImage).captions, ['a fox at night', '!', 'lone \uFFFD surrogate', 'bell']);
  });

  it('reads a file with a byte-order mark, keeps the split, and counts restval as train', async () => {
    const images = ['train', 'restval', 'test'].map((split, index) => ({ ...entry(`${index}.png`, 'a fox'), split }));
    const json = '\uFEFF' + JSON.stringify({ images: [...images, entry('3.png', 'a fox')] });
    const entries = await read(dataset(json, ['0.png']));
    assert.deepEqual(
      entries.map((one) => (one as SourceImage).split),
      ['train', 'train', 'test', null],
    );
  });

  it('finds the pictures beside the JSON, in images/, or where --images says', async () => {
    const json = { images: [{ ...entry('a.png', 'a fox'), filepath: 'val2014' }] };
    for (const place of ['val2014/a.png', 'images/val2014/a.png']) {
      const file = dataset(json, [place]);
      const [found] = await read(file);
      assert.ok(file !== '' && (found as SourceImage).location.file === 'val2014/a.png', place);
      assert.equal((found as SourceImage).name, 'val2014/a.png');
    }
    const elsewhere = path.dirname(dataset('{}', ['val2014/a.png']));
    const [found] = await read(dataset(json, []), elsewhere);
    assert.equal((found as SourceImage).location.file, 'val2014/a.png');
  });

  it('says where it looked when no picture is there', async () => {
    await assert.rejects(openSource({ source: dataset({ images: [entry('b.png', 'a fox')] }) }), {
      code: 'SOURCE_INVALID',
      message: /None of the pictures .* is in .* or .*images/,
      hint: /--images DIR; the first should be at DIR\/b\.png/,
    });
  });

  it('is found in a folder; of several, one must be named', async () => {
    const file = dataset({ images: [entry('a.png', 'a fox')] });
    const folder = path.dirname(file);
    assert.deepEqual(await read(folder), await read(file));
    copyFileSync(file, path.join(folder, 'dataset_coco.json'));
    await assert.rejects(openSource({ source: folder }), {
      code: 'SOURCE_INVALID',
      message: /several datasets: dataset\.json, dataset_coco\.json/,
    });
  });
});
