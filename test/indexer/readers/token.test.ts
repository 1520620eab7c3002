import assert from 'node:assert/strict';
import { openSource } from '../../../indexer/readers/source.js';
import { fixture } from '../../fixture.js';
import { readAll, readShort, refusal, sourceFolders } from './files.js';

describe('a Flickr token file', () => {
  const make = sourceFolders();
  const token = (text: string | Buffer) => `${make({ 'results.token': text, 'a.jpg': null })}/results.token`;

  it('is refused whole where it is empty, or no line can be used', async () => {
    await assert.rejects(readAll(token('')), refusal(/results\.token:1: it lists no images/));
    await assert.rejects(
      readAll(token('a fox\nin the snow\n')),
      refusal(/of 2 entries none can be used; the first: results\.token:1: expected NAME#NUMBER, a tab and a caption/),
    );
  });

  it('reports lines that cannot be used, and reads the rest', async () => {
    const lines = [
      'a.jpg#0\ta fox',
      'a.jpg a fox',
      `a.jpg#1\t${'x'.repeat(1_000_000)}`,
      '../a.jpg#0\ta fox',
      'a.jpg#2\ttwo foxes',
    ];
    const bytes = Buffer.concat([Buffer.from(`\uFEFF${lines.join('\r\n')}\r\n\r\n`), Buffer.from([0x61, 0xe9, 0x0a])]);
    const { images, skipped } = await readShort(token(bytes));
    assert.deepEqual(images, [['a.jpg', ['a fox', 'two foxes'], null]]);
    assert.deepEqual(skipped, [
      'results.token:2: expected NAME#NUMBER, a tab and a caption',
      'results.token:3: a.jpg: a caption has 1000000 characters; at most 10000 are read',
      '../a.jpg: results.token:4: its path leaves the folder of the pictures',
      'results.token:7: it is not UTF-8 text',
    ]);
  });

  it('takes separators of Unicode in a caption for spaces', async () => {
    const { images } = await readShort(token('a.jpg#0\ta fox\u2028runs\u2029on\n'));
    assert.deepEqual(images, [['a.jpg', ['a fox runs on'], null]]);
  });

  it('reads Flickr8k as it is published, the splits from the lists beside it, in a folder with its lemmas', async () => {
    const folder = fixture('readers', 'token', 'Flickr8k_text');
    const reader = await openSource({ source: folder });
    const { format, total, root } = reader;
    assert.deepEqual([format, total, root], ['token', 2, fixture('readers', 'token', 'Flicker8k_Dataset')]);
    assert.deepEqual((await readShort(folder)).images, [
      ['1000268201_693b08cb0e.jpg', ['A red fox runs .', 'A fox in the snow .'], 'val'],
      ['1001773457_577c3a7d70.jpg', ['A blue house .'], 'test'],
    ]);
  });
});
