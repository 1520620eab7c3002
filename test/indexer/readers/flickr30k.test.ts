import assert from 'node:assert/strict';
import { openSource } from '../../../indexer/readers/source.js';
import { fixture } from '../../fixture.js';
import { readAll, readShort, refusal, sourceFolders } from './files.js';

const HEADER = 'image_name| comment_number| comment';

describe("Flickr30k's results.csv", () => {
  const make = sourceFolders();
  const results = (text: string) => `${make({ 'results.csv': text, 'a.jpg': null })}/results.csv`;

  it('is refused whole where it has no rows', async () => {
    await assert.rejects(readAll(results(`${HEADER}\n`)), refusal(/results\.csv:1: it lists no images/));
    await assert.rejects(readAll(results(`${HEADER}\na fox\n`)), refusal(/the first: results\.csv:2: expected NAME\|/));
  });

  it('reports rows that cannot be used, and reads the rest', async () => {
    const rows = ['a.jpg| 0| a fox', 'a.jpg, 1, a fox', 'a.jpg| x| a fox', '| 0| a fox', 'a.jpg| 2| two | foxes'];
    const { images, skipped } = await readShort(results([HEADER, ...rows].join('\r\n')));
    assert.deepEqual(images, [['a.jpg', ['a fox', 'two | foxes'], null]]);
    assert.deepEqual(
      skipped,
      [3, 4, 5].map((line) => `results.csv:${line}: expected NAME| NUMBER| CAPTION`),
    );
  });

  it('is read as Kaggle has it, with the row that lacks a delimiter', async () => {
    const folder = fixture('readers', 'flickr30k');
    const { format, path, root } = await openSource({ source: folder });
    assert.deepEqual([format, path, root], ['flickr30k', `${folder}/results.csv`, `${folder}/flickr30k_images`]);
    assert.deepEqual(await readShort(folder), {
      images: [
        ['1000092795.jpg', ['A red fox runs .', 'A fox , " red " , in the snow .'], null],
        ['2199200615.jpg', ['A dog on grass | a lawn .', 'A dog runs across the grass .'], null],
      ],
      skipped: [],
    });
  });
});
