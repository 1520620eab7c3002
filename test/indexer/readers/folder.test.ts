import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SkippedImage, SourceImage } from '../../../indexer/readers/reader.js';
import { openSource } from '../../../indexer/readers/source.js';
import { fixture, temporaryFolder } from '../../fixture.js';
import { collect } from '../collect.js';

describe('a folder of pictures', () => {
  const temporary = temporaryFolder();
  let count = 0;

  /** A folder of its own; null stands for a picture, anything else is written as it is. */
  function folder(files: Record<string, string | Buffer | null>): string {
    const root = path.join(realpathSync(temporary.path), String((count += 1)));
    mkdirSync(root);
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(root, name);
      mkdirSync(path.dirname(file), { recursive: true });
      if (content === null) copyFileSync(fixture('preprocess', 'small_90x60.png'), file);
      else writeFileSync(file, content);
    }
    return root;
  }

  async function read(source: string): Promise<(SourceImage | SkippedImage)[]> {
    return collect((await openSource({ source })).entries());
  }

  it('must exist, and hold a picture', async () => {
    await assert.rejects(openSource({ source: path.join(temporary.path, 'none') }), { code: 'FILE_NOT_FOUND' });
    await assert.rejects(openSource({ source: folder({ 'notes.txt': 'a fox' }) }), { code: 'SOURCE_INVALID' });
    await assert.rejects(openSource({ source: folder({ 'a.png': null }), images: temporary.path }), {
      code: 'INVALID_ARGUMENT',
    });
  });

  it('skips a picture whose captions are not UTF-8, or too long, and reads the rest', async () => {
    const root = folder({
      'a.png': null,
      'a.txt': Buffer.from([0x61, 0xe9, 0x0a]),
      'b.png': null,
      'b.txt': 'x'.repeat(2_000_000),
      'c.png': null,
      'c.txt': `a fox\n${'x'.repeat(20_000)}`,
      'd.png': null,
      'd.txt': 'a fox',
    });
    assert.deepEqual(await read(root), [
      { file: 'a.png', reason: 'a.txt is not UTF-8 text' },
      { file: 'b.png', reason: 'b.txt has 2000000 bytes; caption files of up to 1000000 are read' },
      { file: 'c.png', reason: 'c.txt: a caption has 20000 characters; at most 10000 are read' },
      { location: { file: 'd.png' }, attributes: {}, name: 'd.png', captions: ['a fox'], split: null },
    ]);
  });

  it('is read in the order of names with those below, captions one a line; other and hidden files are ignored', async () => {
    const root = folder({
      'b.JPG': null,
      'b.txt': '\uFEFFa fox\r\n\r\n  two foxes \n',
      'a/deep/c.webp': null,
      'a/deep/c.txt': 'a house',
      'a/readme.md': 'not a picture',
      '.hidden.png': null,
      '.git/d.png': null,
      'e.png': null,
    });
    const images = (await read(root)) as SourceImage[];
    assert.deepEqual(
      images.map(({ name, captions }) => [name, captions]),
      [
        ['a/deep/c.webp', ['a house']],
        ['b.JPG', ['a fox', 'two foxes']],
        ['e.png', []],
      ],
    );
    assert.deepEqual(images[0].location, { file: 'a/deep/c.webp' });
  });

  it('is the same source when it is reached through a link', async () => {
    const root = folder({ 'a.png': null });
    const link = path.join(temporary.path, 'link');
    symlinkSync(root, link);
    assert.equal((await openSource({ source: link })).root, root);
  });

  it('ends where a linked folder points back to it', async () => {
    const root = folder({ 'a.png': null });
    symlinkSync(root, path.join(root, 'again'));
    assert.equal((await read(root)).length, 1);
  });
});
