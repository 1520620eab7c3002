import assert from 'node:assert/strict';
import type { SourceImage } from '../../../indexer/readers/reader.js';
import { openSource } from '../../../indexer/readers/source.js';
import { fixture } from '../../fixture.js';
import { readAll, readShort, refusal, sourceFolders } from './files.js';

describe('ALBEF/BLIP JSON', () => {
  const make = sourceFolders();
  const list = (json: unknown) => `${make({ 'list.json': json, 'a.jpg': null })}/list.json`;

  it('is refused whole where it is empty, ends early, or says nothing of pictures or captions', async () => {
    await assert.rejects(readAll(list('[]'), { format: 'albef' }), refusal(/list\.json:1: it lists no images/));
    await assert.rejects(
      readAll(list('[{"image": "a.jpg", "caption": "a fox"}')),
      refusal(/:1: it is not JSON: expected "]"/),
    );
    await assert.rejects(readAll(list('[{"image": "a.jpg"} {}]')), refusal(/expected "]", found "{"/));
    await assert.rejects(readAll(list('{}'), { format: 'albef' }), refusal(/expected "\[", found "{"/));
    await assert.rejects(
      readAll(list([{ id: 7, caption: 'a fox' }])),
      refusal(/no column of pictures .* there are id, caption/),
    );
    await assert.rejects(readAll(list([{ image: 'a.jpg', question: 'what?' }])), refusal(/no column of captions/));
  });

  it('reports entries that cannot be used with their line, and reads the rest', async () => {
    const entries = [
      '{"image": "a.jpg", "caption": "a fox"}',
      '{"image": "a.jpg", "caption": 7}',
      '{"caption": "a fox"}',
      '{"image": "a.jpg", "caption": ["a house", 7]}',
      '{"image": "../a.jpg", "caption": "a fox"}',
      '{"image": "b.jpg", "caption": "a fox",}',
      `{"image": "c.jpg", "caption": ${'['.repeat(5000)}${']'.repeat(5000)}}`,
      '"a.jpg"',
      '{"image": "a.jpg", "caption": "two foxes"}',
    ];
    const { images, skipped } = await readShort(list(`[\n${entries.join(',\n')}\n]`));
    assert.deepEqual(images, [['a.jpg', ['a fox', 'two foxes'], null]]);
    assert.equal(skipped[0], 'list.json:3: [1]: a.jpg: caption: expected a string or a list of strings, got a number');
    assert.equal(skipped[1], 'list.json:4: [2]: image: expected a string, got nothing');
    assert.match(skipped[2], /^list\.json:5: \[3\]: a\.jpg: caption: .*got a list with a number$/);
    assert.equal(skipped[3], '../a.jpg: list.json:6: [4]: its path leaves the folder of the pictures');
    assert.match(skipped[4], /^list\.json:7: \[5\]: it is not JSON: /);
    assert.equal(skipped[5], 'list.json:8: [6]: it is nested 5001 deep; up to 100 are read');
    assert.equal(skipped[6], 'list.json:9: [7]: expected an object, got a string');
    assert.equal(skipped.length, 7);
  });

  it('is read as it is published: an entry a caption, or a list of captions; the split from the name', async () => {
    const at = (name: string) => fixture('readers', 'albef', name);
    const reader = await openSource({ source: at('coco_karpathy_train.json') });
    assert.deepEqual([reader.format, reader.total, reader.root], ['albef', 2, at('images')]);
    const train = (await readAll(at('coco_karpathy_train.json'))) as SourceImage[];
    assert.deepEqual(
      train.map(({ name, captions, split, attributes }) => [name, captions, split, attributes]),
      [
        ['train2014/COCO_train2014_000000000002.jpg', ['A blue house.'], 'train', { image_id: 'coco_2' }],
        [
          'val2014/COCO_val2014_000000000001.jpg',
          ['A red fox runs.', 'A fox in the snow.'],
          'train',
          { image_id: 'coco_1' },
        ],
      ],
    );
    assert.deepEqual((await readShort(at('coco_karpathy_val.json'))).images, [
      ['val2014/COCO_val2014_000000000001.jpg', ['A red fox runs.', 'A fox in the snow.'], 'val'],
    ]);
  });
});
