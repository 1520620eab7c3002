import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Cell, Table } from '../../src/table.js';
import { readTablePicture } from '../../src/tablepicture.js';
import { fixture, temporaryFolder } from '../fixture.js';
import { collect } from '../indexer/collect.js';
import { writeParquet } from '../indexer/readers/parquetfile.js';

/** SNAPPY, with dictionaries, three row groups. */
const HUGGING_FACE = fixture('readers', 'huggingface', 'data', 'train-00000-of-00001.parquet');
/** ZSTD, and lengths of pictures as differences. */
const IMG2DATASET = fixture('readers', 'img2dataset', '00000.parquet');

describe('a Parquet table', () => {
  const folder = temporaryFolder();

  async function rowsOf(file: string, columns: string[]): Promise<Cell[][]> {
    const table = await Table.open(file);
    try {
      const groups = await Promise.all(table.groups.map((_, group) => collect(table.rows(group, columns))));
      return groups.flat();
    } finally {
      await table.close();
    }
  }

  it('must be one', async () => {
    const file = path.join(folder.path, 'text.parquet');
    await writeFile(file, 'text');
    for (const [name, code] of [[file, 'SOURCE_INVALID'], [`${file}.none`, 'FILE_NOT_FOUND']]) {
      await assert.rejects(Table.open(name), { code });
      await assert.rejects(readTablePicture({ file: name, row: 0, column: 'image' }), { code });
    }
  }); // prettier-ignore

  it('says where it is damaged, whatever byte that is', async () => {
    const whole = await readFile(IMG2DATASET);
    const file = path.join(folder.path, 'damaged.parquet');
    let refused = 0;
    for (let at = 4; at < whole.length; at += 61) {
      const bytes = Buffer.from(whole);
      bytes[at] ^= 0xff;
      await writeFile(file, bytes);
      await rowsOf(file, ['jpg', 'caption', 'key', 'width']).catch((error: Error & { code?: string }) => {
        assert.equal(error.code, 'SOURCE_INVALID', `at byte ${at}: ${error.message}`);
        refused += 1;
      });
    }
    assert.ok(refused > 10);
  });

  it('says that a dictionary is damaged which does not hold what its column is said to', async () => {
    const file = path.join(folder.path, 'dates.parquet');
    const dates = { name: 'taken', type: 'long date' } as const;
    for (const dictionary of [false, true]) {
      writeParquet(file, { columns: [{ ...dates, dictionary }], groups: [[[Buffer.alloc(8, 1)], [null]]] });
      await assert.rejects(rowsOf(file, ['taken']), { code: 'SOURCE_INVALID', message: /dates\.parquet/ });
    }
  });

  it('does not take a column that cannot be converted for a scalar', async () => {
    const file = path.join(folder.path, 'others.parquet');
    writeParquet(file, {
      columns: [
        { name: 'text', type: 'string', dictionary: true },
        { name: 'document', type: 'bson', dictionary: true },
        { name: 'age', type: 'interval', dictionary: true },
      ],
      groups: [[['fox', Buffer.from('0500000000', 'hex'), Buffer.alloc(12)], ['owl', null, null], ['fox', null, null]]], // prettier-ignore
    });
    const table = await Table.open(file);
    await table.close();
    assert.deepEqual(
      table.columns.map(({ kind }) => kind),
      ['scalar', 'other', 'other'],
    );
    assert.deepEqual(await rowsOf(file, ['text']), [['fox'], ['owl'], ['fox']]);
  });

  it('has columns by what their cells hold', async () => {
    const table = await Table.open(HUGGING_FACE);
    assert.deepEqual(table.columns, [
      { name: 'image', kind: 'picture' },
      { name: 'caption', kind: 'list' },
      { name: 'sentids', kind: 'list' },
      { name: 'img_id', kind: 'scalar' },
      { name: 'score', kind: 'scalar' },
      { name: 'safe', kind: 'scalar' },
      { name: 'source', kind: 'scalar' },
    ]);
    assert.deepEqual(table.groups, [
      { start: 0, rows: 2 },
      { start: 2, rows: 2 },
      { start: 4, rows: 1 },
    ]);
    assert.throws(() => table.bytesOf('caption'), { code: 'SOURCE_INVALID' });
    assert.throws(() => table.bytesOf('none'), { code: 'SOURCE_INVALID' });
    await table.close();
  });

  it('has the cells of its rows, compressed in any way', async () => {
    const rows = await rowsOf(HUGGING_FACE, ['img_id', 'caption', 'score', 'image']);
    assert.deepEqual(
      rows.map(([id, captions, score]) => [id, captions, score]),
      [
        [1, ['a red square', 'a square'], 0.5],
        [2, ['a second square'], null],
        [3, [], 1.5],
        [4, ['no picture'], null],
        ['9007199254740993', ['a fifth square', ' '], 2.5],
      ],
    );
    assert.deepEqual(rows[3][3], { bytes: null, path: '3.jpg' });
    assert.deepEqual(await rowsOf(IMG2DATASET, ['key', 'width', 'caption']), [
      ['000000000', 16, 'a red square'],
      ['000000001', null, null],
      ['000000002', 16, 'a third square'],
    ]);
  });

  it('gives the picture of a row as the rows do', async () => {
    for (const [file, column] of [[HUGGING_FACE, 'image'], [IMG2DATASET, 'jpg']]) {
      for (const [row, [cell]] of (await rowsOf(file, [column])).entries()) {
        const bytes = cell && 'bytes' in (cell as object) ? (cell as { bytes: Uint8Array | null }).bytes : cell;
        assert.deepEqual(await readTablePicture({ file, row, column }), bytes && Uint8Array.from(bytes as Uint8Array));
      }
      assert.equal(await readTablePicture({ file, row: 1000, column }), null);
      assert.equal(await readTablePicture({ file, row: -1, column }), null);
      assert.equal(await readTablePicture({ file, row: 0.5, column }), null);
    }
  }); // prettier-ignore

  it('is looked at anew where another file has its name', async () => {
    const file = path.join(folder.path, 'again.parquet');
    for (const text of ['one', 'another']) {
      const rows = [[null], [Buffer.from(text)]];
      writeParquet(file, { columns: [{ name: 'image', type: 'bytes' }], groups: [rows] });
      const bytes = await readTablePicture({ file, row: 1, column: 'image' });
      assert.equal(Buffer.from(bytes!).toString(), text);
    }
    await copyFile(HUGGING_FACE, file);
    assert.equal((await readTablePicture({ file, row: 0, column: 'image' }))!.length, 269);
  });
});
