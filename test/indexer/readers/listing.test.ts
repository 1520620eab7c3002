import assert from 'node:assert/strict';
import path from 'node:path';
import { openListing } from '../../../indexer/readers/listing.js';
import { MAX_CAPTIONS, type SkippedImage, type SourceImage } from '../../../indexer/readers/reader.js';
import type { Listed } from '../../../indexer/readers/row.js';
import { collect } from '../collect.js';
import { refusal, sourceFolders } from './files.js';

describe('openListing', () => {
  const make = sourceFolders();
  let root = '';
  before(() => void (root = make({ 'a.jpg': null, 'b.jpg': null })));

  /** A row of each name, its caption the number of the row; a number stands for a row that cannot be used. */
  function open(
    names: (string | number)[],
    { repeats = 'merged', ...bound }: { repeats?: 'merged' | 'skipped'; keptCharacters?: number } = {},
  ) {
    const rows = names.map((name, index): Listed => {
      const at = `list:${index + 1}`;
      if (typeof name === 'number') return { at, reason: 'it is a number' };
      return { at, name, captions: [`${index + 1}`], split: null, attributes: () => ({ row: index + 1 }) };
    });
    return openListing({
      format: 'csv',
      path: path.join(root, 'list'),
      folders: ['.'],
      repeats,
      ...bound,
      // eslint-disable-next-line @typescript-eslint/require-await -- rows come from files
      rows: async function* () {
        yield* rows;
      },
    });
  }

  /** Entries as they are read from rows that were kept, as they are read from those again, and as they are read from the file. */
  async function read(names: (string | number)[], repeats?: 'merged' | 'skipped') {
    const reader = await open(names, { repeats });
    const large = await open(names, { repeats, keptCharacters: 100 });
    const entries = await collect(reader.entries());
    assert.equal(reader.total, entries.length);
    assert.deepEqual(await collect(reader.entries()), entries);
    assert.deepEqual(await collect(large.entries()), entries);
    return entries.map((entry) => ('reason' in entry ? entry.file : [entry.name, ...entry.captions]));
  }

  it('is refused where there is nothing, nothing usable, or none of the pictures', async () => {
    await assert.rejects(open([]), refusal(/list:1: it lists no images/));
    await assert.rejects(open([1, 2]), refusal(/of 2 entries none can be used; the first: list:1: it is a number\.$/));
    await assert.rejects(open(['c.jpg']), { ...refusal(/None of the pictures of .*list is in /), hint: /DIR\/c\.jpg/ });
    await assert.rejects(open(['/c/d.jpg']), {
      ...refusal(/None of the pictures/),
      hint: /above all of them .*\/c\/d\.jpg/,
    });
  });

  it('reads names that begin with dots', async () => {
    const names = ['...and justice.jpg', '..b.jpg', 'a.jpg', '...and justice.jpg'];
    assert.deepEqual(await read(names), [
      ['..b.jpg', '2'],
      ['a.jpg', '3'],
      ['...and justice.jpg', '1', '4'],
    ]);
  });

  it('makes one image of rows anywhere, each image once, whatever they call it', async () => {
    assert.deepEqual(await read(['a.jpg', 'a.jpg', 'b.jpg']), [
      ['a.jpg', '1', '2'],
      ['b.jpg', '3'],
    ]);
    assert.deepEqual(await read(['a.jpg', 'b.jpg', 7, 'a.jpg', 'b.jpg']), [
      'list:3',
      ['a.jpg', '1', '4'],
      ['b.jpg', '2', '5'],
    ]);
    const inside = `../${path.basename(root)}/a.jpg`;
    const names = ['./a.jpg', inside, 'x/../a.jpg', path.join(root, 'a.jpg'), 'a.jpg/', 'a.jpg'];
    assert.deepEqual(await read(names), [['a.jpg', '1', '2', '3', '4', '5', '6']]);
  });

  it('takes the attributes that the first row gives', async () => {
    const [only] = (await collect((await open(['a.jpg', 'a.jpg'])).entries())) as SourceImage[];
    assert.deepEqual(only.attributes, { row: 1 });
  });

  it('skips an image whose rows have too many captions together', async () => {
    const [only] = await collect((await open(Array<string>(MAX_CAPTIONS + 1).fill('a.jpg'))).entries());
    assert.deepEqual(only, {
      file: 'a.jpg',
      reason: `list:1: it has ${MAX_CAPTIONS + 1} captions; at most ${MAX_CAPTIONS} are read`,
    });
  });

  it('reports what repeats an image, where that is no way to give it captions; no two entries have one name', async () => {
    assert.deepEqual(await read(['a.jpg', './a.jpg', 'b.jpg', path.join(root, 'a.jpg')], 'skipped'), [
      ['a.jpg', '1'],
      'list:2',
      ['b.jpg', '3'],
      'list:4',
    ]);
    const entries = await collect((await open(['a.jpg', './a.jpg'], { repeats: 'skipped' })).entries());
    assert.equal((entries[1] as SkippedImage).reason, 'it lists ./a.jpg a second time');
  });

  it('finds pictures of which the first hundred are not there', async () => {
    const names = Array.from({ length: 2000 }, (_, index) => (index === 999 ? 'b.jpg' : `${index}.jpg`));
    assert.equal((await open(names)).root, root);
  });
});
