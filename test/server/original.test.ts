import assert from 'node:assert/strict';
import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { originalPath, pictureType } from '../../server/original.js';
import type { StoredImage } from '../../src/store/store.js';
import { fixture, temporaryFolder } from '../fixture.js';

describe('originalPath', () => {
  const folder = temporaryFolder();
  let root: string;
  before(async () => {
    root = path.join(await realpath(folder.path), 'pictures');
    await mkdir(path.join(root, 'below'), { recursive: true });
    await writeFile(path.join(folder.path, 'secret.jpg'), 'secret');
    await writeFile(path.join(root, 'below', 'fox.jpg'), 'fox');
    await writeFile(`${root}-beside.jpg`, 'beside');
    await symlink(path.join(folder.path, 'secret.jpg'), path.join(root, 'link.jpg'));
    await symlink(path.join(root, 'below', 'fox.jpg'), path.join(root, 'inner.jpg'));
    await symlink(root, path.join(folder.path, 'alias'));
  });
  const stored = (file: string, at = root) => ({ imageId: 7, root: at, file, location: { file } }) as StoredImage;

  for (const file of [
    '../secret.jpg',
    'below/../../secret.jpg',
    '../pictures-beside.jpg',
    'link.jpg',
    'gone.jpg',
    '.',
    '',
  ]) {
    it(`refuses ${JSON.stringify(file)}, without a word of where it looked`, async () => {
      await assert.rejects(originalPath(stored(file)), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'NOT_FOUND');
        assert.ok(!error.message.includes(folder.path));
        return true;
      });
    });
  }

  it('finds a picture below the root, through links that stay there, and below a root that is a link', async () => {
    const fox = path.join(root, 'below', 'fox.jpg');
    assert.equal(await originalPath(stored('below/fox.jpg')), fox);
    assert.equal(await originalPath(stored('inner.jpg')), fox);
    assert.equal(await originalPath(stored('below/fox.jpg', path.join(folder.path, 'alias'))), fox);
  });
});

describe('pictureType', () => {
  const folder = temporaryFolder();
  const hostile = {
    'page.jpg': '<!doctype html><script>alert(1)</script>',
    'drawing.png': '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    'empty.gif': '',
    'almost.webp': 'RIFF\0\0\0\0WAVEfmt ',
  };
  for (const [name, content] of Object.entries(hostile)) {
    it(`knows that ${name} is no picture`, async () => {
      const file = path.join(folder.path, name);
      await writeFile(file, content);
      assert.equal(await pictureType(file), null);
    });
  }

  it('goes by the content, not by the name', async () => {
    assert.equal(await pictureType(fixture('preprocess', 'small_90x60.png')), 'image/png');
    assert.equal(await pictureType(fixture('preprocess', 'flickr_500x375.jpg')), 'image/jpeg');
  });
});
