import assert from 'node:assert/strict';
import { openSource } from '../../../indexer/readers/source.js';
import { fixture } from '../../fixture.js';
import { readAll, readShort, refusal, sourceFolders } from './files.js';

describe('a TSV table', () => {
  const make = sourceFolders();
  const table = (text: string) => `${make({ 'table.tsv': text, 'a.jpg': null })}/table.tsv`;

  it('is refused whole where its first line is no header, or is that of a CSV', async () => {
    await assert.rejects(
      readAll(table('a.jpg\ta fox\nb.jpg\ta house\n')),
      refusal(/table\.tsv:1: there is no column of pictures/),
    );
    const comma = table('image,caption\na.jpg,a fox\n');
    await assert.rejects(readAll(comma, { format: 'tsv' }), refusal(/there are image,caption\.$/));
  });

  it('reports rows that cannot be used, and reads the rest; quotes within a cell are quotes', async () => {
    const rows = [
      'image\tcaption',
      'a.jpg\ta "red" fox',
      'a.jpg',
      'a.jpg\t"a fox"\trunning',
      'a.jpg\t"Stop" it says',
      'a.jpg\t"a ""red"" fox"',
    ];
    const { images, skipped } = await readShort(table(rows.join('\n')));
    assert.deepEqual(images, [['a.jpg', ['a "red" fox', '"Stop" it says', 'a "red" fox'], null]]);
    assert.deepEqual(
      skipped.map((line) => line.slice(0, 28)),
      ['table.tsv:3: it has 1 columns', 'table.tsv:4: it has 3 columns'].map((line) => line.slice(0, 28)),
    );
  });

  it('is found in a folder beside its pictures', async () => {
    const folder = fixture('readers', 'tsv');
    const { format, total } = await openSource({ source: folder });
    assert.deepEqual([format, total], ['tsv', 2]);
    assert.deepEqual((await readShort(folder)).images, [
      ['fox.jpg', ['A red fox, "running"'], null],
      ['house.jpg', ['A blue house'], null],
    ]);
  });
});
