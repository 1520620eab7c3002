import assert from 'node:assert/strict';
import type { SourceImage } from '../../../indexer/readers/reader.js';
import { openSource } from '../../../indexer/readers/source.js';
import { fixture } from '../../fixture.js';
import { readAll, readShort, refusal, sourceFolders } from './files.js';

describe('a CSV table', () => {
  const make = sourceFolders();
  const table = (text: string | Buffer) => `${make({ 'table.csv': text, 'a.jpg': null, 'b.jpg': null })}/table.csv`;

  it('is refused whole where it is empty, or its columns are not recognised or not there', async () => {
    for (const empty of ['', 'image,caption\n', '\n\n']) {
      await assert.rejects(readAll(table(empty)), refusal(/table\.csv:1: it lists no images/));
    }
    const other = table('photo,remark\na.jpg,a fox\n');
    await assert.rejects(
      readAll(other),
      refusal(/table\.csv:1: there is no column of pictures .*there are photo, remark/),
    );
    await assert.rejects(
      readAll(other, { columns: { image: 'foto' } }),
      refusal(/there is no column "foto"; there are photo/),
    );
    await assert.rejects(readAll(table('image,remark\na.jpg,a fox\n')), {
      ...refusal(/no column of captions that is recognised/),
      hint: /--columns caption=NAME, or, .*only --columns image=image/,
    });
    await assert.rejects(readAll(table('image;caption\na.jpg;a fox\n')), {
      ...refusal(/no column of pictures/),
      hint: /divided by ";"; save it with commas/,
    });
    await assert.rejects(
      readAll(table('image,caption\ra.jpg,a fox\r')),
      refusal(/table\.csv:\d: its lines end in CR alone/),
    );
    await assert.rejects(
      readAll(table('image,caption,caption\na.jpg,a,b\n')),
      refusal(/:1: two columns are called "caption"/),
    );
  });

  it('is refused whole with the line on which a quote is opened and never closed', async () => {
    const text = 'image,caption\na.jpg,"a\nfox"\n\nb.jpg,"a house\nc.jpg,a tree\n';
    await assert.rejects(readAll(table(text)), refusal(/table\.csv:[45]: a quote is opened and never closed/));
    const long = `image,caption\na.jpg,a fox\nb.jpg,"${'x'.repeat(17 * 2 ** 20)}`;
    await assert.rejects(readAll(table(long)), refusal(/table\.csv:3: the record has more than 16777216 bytes/));
  });

  it('reports rows that cannot be used with their line, and reads the rest', async () => {
    const rows = [
      'image,caption,split',
      'a.jpg,"two\r\nlines",train',
      'a.jpg,too,many,cells',
      'b.jpg',
      ',a fox,train',
      '../a.jpg,a fox,train',
      'https://example.org/a.jpg,a fox,train',
      `b.jpg,${'x'.repeat(1_000_000)},train`,
      `b.jpg,a fox,${'x'.repeat(201)}`,
      `${'x'.repeat(5000)}.jpg,a fox,train`,
      'b.jpg,a house,',
      ',,',
    ];
    const bytes = Buffer.concat([
      Buffer.from(`\uFEFF${rows.join('\r\n')}\r\n`),
      Buffer.from('b.jpg,caf\xe9,train\n', 'latin1'),
    ]);
    const { images, skipped } = await readShort(table(bytes));
    assert.deepEqual(images, [
      ['a.jpg', ['two lines'], 'train'],
      ['b.jpg', ['a house'], null],
    ]);
    assert.deepEqual(skipped, [
      'table.csv:4: it has 4 columns, the first line has 3; quote cells that hold the delimiter',
      'table.csv:5: it has 1 columns, the first line has 3; quote cells that hold the delimiter',
      'table.csv:6: image: it is empty',
      '../a.jpg: table.csv:7: its path leaves the folder of the pictures',
      'https://example.org/a.jpg: table.csv:8: it is a web address; expected the path of a file: download it first',
      'table.csv:9: b.jpg: a caption has 1000000 characters; at most 10000 are read',
      'table.csv:10: b.jpg: split: it has 201 characters; at most 200 are read',
      'table.csv:11: its path has 5004 characters; at most 4096 are read',
      'table.csv:14: it is not UTF-8 text',
    ]);
  });

  it('makes numbers and booleans of attributes where they are written as such; nothing of empty cells', async () => {
    const cells = ['7', '-0.5', '1e3', '007', '1.50', 'NaN', 'Infinity', 'True', 'false', 'yes', ''];
    const header = cells.map((_, index) => `c${index}`).join(',');
    const [only] = (await readAll(
      table(`image,caption,__proto__,${header}\na.jpg,a fox,x,${cells.join(',')}\n`),
    )) as SourceImage[];
    assert.deepEqual(Object.entries(only.attributes), [
      ['__proto__', 'x'],
      ...[7, -0.5, '1e3', '007', '1.50', 'NaN', 'Infinity', true, false, 'yes'].map((value, index) => [
        `c${index}`,
        value,
      ]),
    ]);
    assert.equal(Object.getPrototypeOf(only.attributes), Object.prototype);
  });

  it('reads a caption cell that is a list in JSON as several captions, and other cells as they are', async () => {
    const text = 'image,caption\na.jpg,"[""a fox"", ""two foxes""]"\nb.jpg,[a house]\n';
    assert.deepEqual((await readShort(table(text))).images, [
      ['a.jpg', ['a fox', 'two foxes'], null],
      ['b.jpg', ['[a house]'], null],
    ]);
  });

  it('has columns whatever their case, or those that --columns names; captions may be none', async () => {
    const source = table('Filename, Title ,subset,text\na.jpg,a fox,dev,in the snow\n');
    assert.deepEqual((await readShort(source)).images, [['a.jpg', ['in the snow'], null]]);
    const columns = { caption: 'Title', split: 'subset' };
    assert.deepEqual((await readShort(source, { columns })).images, [['a.jpg', ['a fox'], 'dev']]);
    const bare = table('photo,camera\na.jpg,X100\n');
    assert.deepEqual(await readAll(bare, { columns: { image: 'photo' } }), [
      { name: 'a.jpg', location: { file: 'a.jpg' }, captions: [], split: null, attributes: { camera: 'X100' } },
    ]);
  });

  it('is found in a folder beside its pictures; rows of one image are one image', async () => {
    const folder = fixture('readers', 'csv');
    const { format, path, total } = await openSource({ source: folder });
    assert.deepEqual([format, path, total], ['csv', `${folder}/captions.csv`, 2]);
    assert.deepEqual(await readAll(folder), [
      {
        name: 'fox.jpg',
        location: { file: 'fox.jpg' },
        captions: ['A red fox, running', 'A fox in the snow'],
        split: 'train',
        attributes: { rating: 4.5, public: true, note: '007' },
      },
      {
        name: 'house.jpg',
        location: { file: 'house.jpg' },
        captions: ['A "blue" house'],
        split: 'test',
        attributes: { rating: 10, public: false },
      },
    ]);
  });
});
