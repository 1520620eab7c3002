import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import type { SkippedImage, SourceImage } from '../../../indexer/readers/reader.js';
import { openSource } from '../../../indexer/readers/source.js';
import { fixture } from '../../fixture.js';
import { readAll as read, refusal, sourceFolders } from './files.js';

describe('Karpathy JSON', () => {
  const make = sourceFolders();

  /** Writes `json` (text, bytes or a value) as dataset.json with pictures beside it, in a folder of its own. */
  function dataset(json: unknown, pictures: string[] = ['a.png']): string {
    const files = Object.fromEntries(pictures.map((picture) => [picture, null]));
    return path.join(make({ ...files, 'dataset.json': json }), 'dataset.json');
  }

  const entry = (filename: string, ...captions: string[]) => ({
    filename,
    sentences: captions.map((raw) => ({ raw, tokens: raw.split(' ') })),
  });

  const rejects = (json: unknown, message: RegExp) => assert.rejects(read(dataset(json)), refusal(message));

  it('is refused whole where it is not JSON, not UTF-8, or has no images', async () => {
    await rejects('', /dataset\.json:1: it is not JSON: expected "{", found its end/);
    await rejects('{"images": [', /dataset\.json:1: it is not JSON/);
    await rejects(Buffer.from([0x7b, 0xff, 0xfe]), /dataset\.json:1: it is not JSON/);
    await rejects('null', /expected "{", found "n"/);
    await rejects({ images: 'a.png' }, /no list named "images"/);
    await rejects({ images: [] }, /dataset\.json:1: it lists no images/);
  });

  it('is refused, with the first reason, where no entry can be used', async () => {
    await rejects(
      { images: [{ filename: 'a.png' }, 7] },
      /of 2 entries none can be used.*dataset\.json:1: images\[0\]: sentences: /,
    );
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
    const reasons = entries.slice(0, 4).map((one) => `${(one as SkippedImage).file}: ${(one as SkippedImage).reason}`);
    assert.match(reasons[0], /^dataset\.json:1: images\[0\]: filename: .*expected string/);
    assert.match(reasons[1], /^dataset\.json:1: images\[1\]: sentences: .*expected array/);
    assert.match(reasons[2], /^dataset\.json:1: images\[2\]: sentences\.0\.raw: .*expected string/);
    assert.match(reasons[3], /^dataset\.json:1: images\[3\]: expected an object, got null/);
    assert.deepEqual((entries[4] as SourceImage).captions, ['a fox']);
  });

  it('refuses a path that leaves the folder of the pictures', async () => {
    const hostile = ['../secret.png', '/etc/passwd', 'x/../../other.png', 'a\0.png', '..', '.'];
    const images = [...hostile.map((name) => entry(name, 'a fox')), entry('a.png', 'a fox')];
    const entries = await read(dataset({ images }));
    for (const [index, name] of hostile.entries()) {
      const reason = `dataset.json:1: images[${index}]: its path leaves the folder of the pictures`;
      assert.deepEqual(entries[index], { file: name, reason });
    }
    assert.equal((entries.at(-1) as SourceImage).name, 'a.png');
  });

  it('skips a picture that is listed twice, however it is written', async () => {
    const images = [entry('a.png', 'first'), entry('./a.png', 'second'), entry('a.png', 'third')];
    const [first, ...others] = await read(dataset({ images }));
    assert.deepEqual((first as SourceImage).captions, ['first']);
    assert.deepEqual(others, [
      { file: 'dataset.json:1: images[1]', reason: 'it lists ./a.png a second time' },
      { file: 'dataset.json:1: images[2]', reason: 'it lists a.png a second time' },
    ]);
  });

  it('skips a picture with a caption of a megabyte', async () => {
    const images = [entry('huge.png', 'x'.repeat(1_000_000)), entry('a.png', 'a fox')];
    const [huge] = await read(dataset({ images }));
    const reason = 'dataset.json:1: images[0]: a caption has 1000000 characters; at most 10000 are read';
    assert.deepEqual(huge, { file: 'huge.png', reason });
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
    const [found] = await read(dataset(json, []), { images: elsewhere });
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

  it("is read as it is published: Karpathy's COCO, the numbers of an image its attributes", async () => {
    const folder = fixture('readers', 'karpathy');
    const { format, total } = await openSource({ source: folder });
    assert.deepEqual([format, total], ['karpathy', 2]);
    const images = (await read(folder)) as SourceImage[];
    assert.deepEqual(
      images.map(({ name, captions, split, attributes }) => [name, captions, split, attributes]),
      [
        [
          'val2014/COCO_val2014_000000000001.jpg',
          ['A red fox runs.', 'A fox in the snow.'],
          'test',
          { imgid: 0, cocoid: 1 },
        ],
        ['train2014/COCO_train2014_000000000002.jpg', ['A blue house.'], 'train', { imgid: 1, cocoid: 2 }],
      ],
    );
  });
});
