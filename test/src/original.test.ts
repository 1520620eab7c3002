import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile, realpath, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ImageLocation, readOriginal, statOriginal } from '../../src/original.js';
import { fixture, temporaryFolder } from '../fixture.js';

const LIMITS = { bytes: 1000 };

describe('an original', () => {
  const folder = temporaryFolder();
  let root: string;
  const at = (...parts: string[]) => path.join(root, ...parts);
  const read = async (location: ImageLocation, from = root) =>
    Buffer.from(await readOriginal({ root: from, location }, LIMITS)).toString();

  before(async () => {
    root = path.join(await realpath(folder.path), 'pictures');
    await mkdir(at('below'), { recursive: true });
    await writeFile(path.join(folder.path, 'secret.jpg'), 'secret');
    await writeFile(at('below', 'fox.jpg'), 'fox');
    await writeFile(`${root}-beside.jpg`, 'beside');
    await symlink(path.join(folder.path, 'secret.jpg'), at('link.jpg'));
    await symlink(at('below', 'fox.jpg'), at('inner.jpg'));
    await symlink(at('circle.jpg'), at('circle.jpg'));
    await symlink(root, path.join(folder.path, 'alias'));
    await writeFile(at('empty.jpg'), '');
    await writeFile(at('huge.jpg'), 'x'.repeat(1001));
    await writeFile(at('shard.tar'), 'head fox tail');
    execFileSync('mkfifo', [at('pipe.jpg')]);
  });

  const bad: Record<string, { location: ImageLocation; code: string }> = {
    'above the root': { location: { file: '../secret.jpg' }, code: 'IMAGE_UNREADABLE' },
    'above the root, from below it': { location: { file: 'below/../../secret.jpg' }, code: 'IMAGE_UNREADABLE' },
    'beside a root of a similar name': { location: { file: '../pictures-beside.jpg' }, code: 'IMAGE_UNREADABLE' },
    'behind a link out of the root': { location: { file: 'link.jpg' }, code: 'IMAGE_UNREADABLE' },
    'the root': { location: { file: '.' }, code: 'IMAGE_UNREADABLE' },
    'a folder': { location: { file: 'below' }, code: 'IMAGE_UNREADABLE' },
    'a pipe': { location: { file: 'pipe.jpg' }, code: 'IMAGE_UNREADABLE' },
    gone: { location: { file: 'gone.jpg' }, code: 'FILE_NOT_FOUND' },
    'a link to itself': { location: { file: 'circle.jpg' }, code: 'FILE_NOT_FOUND' },
    'of a name that is too long': { location: { file: 'x'.repeat(5000) }, code: 'FILE_NOT_FOUND' },
    'of a name with a NUL': { location: { file: 'a\0b' }, code: 'FILE_NOT_FOUND' },
    'partly beyond its archive': { location: { file: 'shard.tar', offset: 10, bytes: 4 }, code: 'IMAGE_UNREADABLE' },
    'before its archive': { location: { file: 'shard.tar', offset: -1, bytes: 4 }, code: 'IMAGE_UNREADABLE' },
    'of no whole number of bytes': { location: { file: 'shard.tar', offset: 0, bytes: 1.5 }, code: 'IMAGE_UNREADABLE' },
    'of infinitely many bytes': {
      location: { file: 'shard.tar', offset: 0, bytes: Infinity },
      code: 'IMAGE_UNREADABLE',
    },
  };
  for (const [what, { location, code }] of Object.entries(bad)) {
    it(`that is ${what} is neither found nor read`, async () => {
      await assert.rejects(statOriginal({ root, location }), { code });
      await assert.rejects(read(location), { code });
    });
  }

  it('without a byte, or with too many, is not read', async () => {
    await assert.rejects(read({ file: 'empty.jpg' }), { code: 'IMAGE_UNREADABLE' });
    await assert.rejects(read({ file: 'huge.jpg' }), { code: 'IMAGE_TOO_LARGE' });
    await truncate(at('large.tar'), 0).catch(() => writeFile(at('large.tar'), ''));
    await truncate(at('large.tar'), 5000);
    await assert.rejects(read({ file: 'large.tar', offset: 1000, bytes: 1001 }), { code: 'IMAGE_TOO_LARGE' });
  });

  it('is found below the root, through links that stay there, and below a root that is a link', async () => {
    assert.equal(await read({ file: 'below/fox.jpg' }), 'fox');
    assert.equal(await read({ file: 'inner.jpg' }), 'fox');
    assert.equal(await read({ file: 'below/fox.jpg' }, path.join(folder.path, 'alias')), 'fox');
    const { file } = await statOriginal({ root, location: { file: 'inner.jpg' } });
    assert.equal(file, at('below', 'fox.jpg'));
  });

  it('has the size of its part, and the time of the file', async () => {
    await utimes(at('shard.tar'), 1000, 1234.5678);
    const location = { file: 'shard.tar', offset: 5, bytes: 3 };
    assert.equal(await read(location), 'fox');
    assert.deepEqual(await statOriginal({ root, location }), {
      file: at('shard.tar'),
      range: { offset: 5, bytes: 3 },
      modified: Math.round((await stat(at('shard.tar'))).mtimeMs),
    });
    assert.deepEqual((await statOriginal({ root, location: { file: 'shard.tar' } })).range, { offset: 0, bytes: 13 });
  });

  describe('in a table', () => {
    before(() => copyFile(fixture('readers', 'img2dataset', '00000.parquet'), at('00000.parquet')));
    const cell = (row: number, column = 'jpg') => ({ file: '00000.parquet', row, column });

    for (const [what, location] of Object.entries({
      'a row beyond it': cell(3),
      'a row before it': cell(-1),
      'a row without a picture': cell(1),
      'a column that is not there': cell(0, 'png'),
      'a column of text': cell(0, 'url'),
      'a file that is no table': { ...cell(0), file: 'shard.tar' },
    })) {
      it(`is not ${what}`, async () => {
        await assert.rejects(read(location), { code: 'IMAGE_UNREADABLE' });
      });
    }

    it('is its row, of which only reading it tells the size', async () => {
      const bytes = Buffer.from(await readOriginal({ root, location: cell(2) }, LIMITS));
      assert.equal(bytes.toString('hex', 0, 3), 'ffd8ff');
      assert.ok((await readFile(at('00000.parquet'))).length > bytes.length);
      assert.equal((await statOriginal({ root, location: cell(2) })).range, null);
      await assert.rejects(readOriginal({ root, location: cell(2) }, { bytes: 10 }), { code: 'IMAGE_TOO_LARGE' });
    });

    it('is read by many at once, and anew from a file that took the place of another', async () => {
      const before = await Promise.all(
        [0, 2, 0, 2, 0].map((row) => readOriginal({ root, location: cell(row) }, LIMITS)),
      );
      assert.deepEqual(before[0], before[4]);
      assert.notDeepEqual(before[0], before[1]);
      const other = { file: '00000.parquet', row: 1, column: 'image' };
      await copyFile(fixture('readers', 'huggingface', 'data', 'test-00000-of-00001.parquet'), at('00000.parquet'));
      const after = await readOriginal({ root, location: other }, LIMITS);
      assert.ok(before.every((bytes) => Buffer.compare(bytes, after) !== 0));
      await assert.rejects(read(cell(0)), { code: 'IMAGE_UNREADABLE' });
    });
  });
});
