import assert from 'node:assert/strict';
import type { SourceImage } from '../../../indexer/readers/reader.js';
import { openSource } from '../../../indexer/readers/source.js';
import { fixture } from '../../fixture.js';
import { collect } from '../collect.js';
import { readAll, readShort, refusal, sourceFolders } from './files.js';

describe('COCO captions JSON', () => {
  const make = sourceFolders();
  const image = (id: unknown, name: unknown) => ({ id, file_name: name });
  const annotation = (id: unknown, caption: unknown) => ({ image_id: id, caption });

  /** Writes a file of captions with `a.jpg` beside it. */
  const captions = (json: unknown) =>
    `${make({ 'captions_val2014.json': json, 'a.jpg': null, 'b.jpg': null })}/captions_val2014.json`;

  it('is refused whole where a list is missing, it ends early, or no annotation is a caption', async () => {
    const images = [image(1, 'a.jpg')];
    await assert.rejects(
      readAll(captions({ images })),
      refusal(/captions_val2014\.json:1: .*no list named "annotations"/),
    );
    await assert.rejects(readAll(captions({ annotations: [] })), refusal(/no list named "images"/));
    await assert.rejects(readAll(captions({ images: [], annotations: [] })), refusal(/it lists no images/));
    const cut = JSON.stringify({ images, annotations: [annotation(1, 'a fox')] }, null, 1).slice(0, -8);
    await assert.rejects(readAll(captions(cut)), refusal(/captions_val2014\.json:\d+: it is not JSON: /));
    const boxes = [{ image_id: 1, category_id: 3, bbox: [0, 0, 1, 1] }];
    await assert.rejects(
      readAll(captions({ images, annotations: boxes })),
      refusal(/None of the annotations .*captions_val2014\.json:1: annotations\[0\]: caption: expected string/),
    );
  });

  it('reports entries that cannot be used, and reads the rest', async () => {
    const json = {
      images: [image(1, 'a.jpg'), image(1, 'b.jpg'), image(2, 'a.jpg'), image(3, 7), image(null, 'c.jpg'), 'd.jpg'],
      annotations: [
        annotation(1, 'a fox'),
        annotation(1, 7),
        annotation(1, 'x'.repeat(1_000_000)),
        annotation(99, 'nobody'),
      ],
    };
    const { images, skipped } = await readShort(captions(JSON.stringify(json)));
    assert.deepEqual(images, [['a.jpg', ['a fox'], 'val']]);
    const at = 'captions_val2014.json:1:';
    assert.deepEqual(skipped, [
      `b.jpg: ${at} images[1]: id 1 is there a second time`,
      `${at} images[2]: it lists a.jpg a second time`,
      `${at} images[3]: file_name: expected string, received number`,
      `${at} images[4]: id: expected a number or a string`,
      `${at} images[5]: expected an object, got a string`,
      `${at} annotations[1]: caption: expected string, received number`,
      `${at} annotations[2]: a caption has 1000000 characters; at most 10000 are read`,
      `${at} annotations[3]: no image has the id 99`,
    ]);
  });

  it('is of the split that its name says in a word of its own', async () => {
    const json = { images: [image(1, 'a.jpg')], annotations: [annotation(1, 'a fox')] };
    const splits = {
      'captions_train2017.json': 'train',
      'captions_validation.json': 'val',
      'test-captions.json': 'test',
      'captions_trainval2014.json': null,
      'captions_latest.json': null,
      'captions_retrieval.json': null,
    };
    for (const [name, split] of Object.entries(splits)) {
      const { images } = await readShort(`${make({ [name]: json, 'a.jpg': null })}/${name}`);
      assert.deepEqual(images, [['a.jpg', ['a fox'], split]], name);
    }
  });

  it('tells entries that list no image from those that list one which cannot be told', async () => {
    const json = { images: [image(1, 'a.jpg'), image(2, 7)], annotations: [annotation(1, 7), annotation(99, 'a fox')] };
    const reader = await openSource({ source: captions(json) });
    const skipped = (await collect(reader.entries())).filter((entry) => 'reason' in entry);
    assert.deepEqual(
      skipped.map(({ file, nameless = false }) => [file.slice(-14), nameless]),
      [
        ['n:1: images[1]', true],
        ['annotations[0]', false],
        ['annotations[1]', false],
      ],
    );
  });

  it('reports a hundred annotations without an image, and then how many more there are', async () => {
    const strays = Array.from({ length: 250 }, (_, index) => annotation(1000 + index, 'a fox'));
    const { images, skipped } = await readShort(captions({ images: [image(1, 'a.jpg')], annotations: strays }));
    assert.deepEqual(images, [['a.jpg', [], 'val']]);
    assert.equal(skipped.length, 101);
    assert.equal(skipped[100], 'captions_val2014.json: annotations: 150 more cannot be used');
  });

  it('is read as it is published: pictures in a folder named after the split, those without captions too', async () => {
    const source = fixture('readers', 'coco', 'annotations', 'captions_val2017.json');
    const reader = await openSource({ source });
    assert.deepEqual([reader.format, reader.total, reader.root], ['coco', 2, fixture('readers', 'coco', 'val2017')]);
    const [first, second] = (await readAll(source)) as SourceImage[];
    assert.deepEqual(first, {
      name: '000000000139.jpg',
      location: { file: '000000000139.jpg' },
      captions: ['A red fox runs.', 'A fox in the snow.'],
      split: 'val',
      attributes: {
        cocoid: 139,
        license: 1,
        coco_url: 'http://images.cocodataset.org/val2017/000000000139.jpg',
        date_captured: '2013-11-21 01:34:01',
        flickr_url: 'http://farm9.staticflickr.com/8035/1_z.jpg',
      },
    });
    assert.deepEqual([second.name, second.captions], ['000000000285.jpg', []]);
  });

  it('finds the pictures where COCO is usually unpacked, and takes the split from the name of the file', async () => {
    const json = { images: [image('x', 'a.jpg')], annotations: [annotation('x', 'a fox')] };
    for (const place of [
      '.',
      'images',
      'train2017',
      'images/train2017',
      'annotations/train2017',
      'annotations/images',
    ]) {
      const root = make({ 'annotations/captions_train2017.json': json, [`${place}/a.jpg`]: null });
      const source = `${root}/annotations/captions_train2017.json`;
      if (place === '.' || place === 'images') {
        await assert.rejects(readAll(source), refusal(/None of the pictures/));
        assert.equal((await readAll(source, { images: `${root}/${place}` })).length, 1);
      } else {
        assert.deepEqual((await readShort(source)).images, [['a.jpg', ['a fox'], 'train']]);
      }
    }
  });
});
