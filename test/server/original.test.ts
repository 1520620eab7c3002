import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { locateImage, pictureType, pictureTypeAt, readImage, readIndexed } from '../../server/original.js';
import type { ImageLocation } from '../../src/original.js';
import type { StoredImage } from '../../src/store/store.js';
import { IMAGE_LIMITS } from '../../src/vilt/limits.js';
import { fixture, temporaryFolder } from '../fixture.js';

describe('the original of a stored image', () => {
  const folder = temporaryFolder();
  let root: string;
  before(async () => {
    root = path.join(folder.path, 'pictures');
    await mkdir(root);
    await writeFile(path.join(folder.path, 'secret.jpg'), 'secret');
    await symlink(path.join(folder.path, 'secret.jpg'), path.join(root, 'link.jpg'));
    await writeFile(path.join(root, 'shard.tar'), 'head fox tail');
    await writeFile(path.join(root, 'huge.jpg'), '');
    await truncate(path.join(root, 'huge.jpg'), IMAGE_LIMITS.bytes + 1);
  });
  const stored = (location: ImageLocation) => ({ imageId: 7, root, file: 'fox.jpg', location }) as StoredImage;

  const cases: [string, ImageLocation][] = [
    ['../secret.jpg', { file: '../secret.jpg' }],
    ['a link that leads out', { file: 'link.jpg' }],
    ['a file that is gone', { file: 'gone.jpg' }],
    ['a folder', { file: '.' }],
    ['what an archive does not reach', { file: 'shard.tar', offset: 10, bytes: 4 }],
    ['a row of what is no table', { file: 'shard.tar', row: 0, column: 'image' }],
  ];
  for (const [what, location] of cases) {
    it(`is not ${what}, and nothing is said of where it was looked for`, async () => {
      await assert.rejects(
        async () => {
          await locateImage(stored(location));
          await readImage(stored(location));
        },
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'NOT_FOUND');
          assert.ok(!error.message.includes(folder.path));
          return true;
        },
      );
    });
  }

  it('is not read where it has become too large', async () => {
    await assert.rejects(readImage(stored({ file: 'huge.jpg' })), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'IMAGE_TOO_LARGE');
      assert.ok(!error.message.includes(folder.path));
      return true;
    });
  });

  it('is not searched with where it is another picture by now', async () => {
    const image = stored({ file: 'shard.tar' });
    const contentHash = createHash('sha256').update('head fox tail').digest('hex');
    assert.equal(Buffer.from(await readIndexed({ ...image, contentHash })).toString(), 'head fox tail');
    await assert.rejects(readIndexed({ ...image, contentHash: '0'.repeat(64) }), {
      code: 'NOT_FOUND',
      message: 'The file of image 7 is another picture than was indexed.',
    });
  });

  it('is found and read in its archive', async () => {
    const image = stored({ file: 'shard.tar', offset: 5, bytes: 3 });
    assert.deepEqual((await locateImage(image)).range, { offset: 5, bytes: 3 });
    assert.equal(Buffer.from(await readImage(image)).toString(), 'fox');
  });
});

describe('pictureType', () => {
  const folder = temporaryFolder();
  const hostile = {
    'a page': '<!doctype html><script>alert(1)</script>',
    'a drawing': '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    nothing: '',
    'a sound': 'RIFF\0\0\0\0WAVEfmt ',
  };
  for (const [name, content] of Object.entries(hostile)) {
    it(`knows that ${name} is no picture`, () => {
      assert.equal(pictureType(Buffer.from(content)), null);
    });
  }

  it('goes by the content', async () => {
    assert.equal(pictureType(await readFile(fixture('preprocess', 'small_90x60.png'))), 'image/png');
    assert.equal(pictureType(await readFile(fixture('preprocess', 'flickr_500x375.jpg'))), 'image/jpeg');
  });

  it('looks at a part of a file, and not beyond it', async () => {
    const file = path.join(folder.path, 'shard.tar');
    await writeFile(file, Buffer.concat([Buffer.from('header'), Buffer.from('\xff\xd8\xff\xe0', 'latin1')]));
    assert.equal(await pictureTypeAt(file, { offset: 6, bytes: 4 }), 'image/jpeg');
    assert.equal(await pictureTypeAt(file, { offset: 6, bytes: 2 }), null);
    assert.equal(await pictureTypeAt(file, { offset: 0, bytes: 10 }), null);
  });
});
