import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SourceImage } from '../../../indexer/readers/reader.js';
import { openSource } from '../../../indexer/readers/source.js';
import { fixture, temporaryFolder } from '../../fixture.js';
import { collect } from '../collect.js';
import { readAll as read, readShort, sourceFolders } from './files.js';

describe('a folder of pictures', () => {
  const temporary = temporaryFolder();
  const folder = sourceFolders();

  it('must exist, and hold a picture', async () => {
    await assert.rejects(openSource({ source: path.join(temporary.path, 'none') }), { code: 'FILE_NOT_FOUND' });
    await assert.rejects(openSource({ source: folder({ 'notes.txt': 'a fox' }) }), { code: 'SOURCE_INVALID' });
    for (const option of [{ images: temporary.path }, { columns: { image: 'a' } }]) {
      await assert.rejects(openSource({ source: folder({ 'a.png': null }), ...option }), {
        code: 'INVALID_ARGUMENT',
        message: /--(images|columns) is of no use to a folder of pictures/,
      });
    }
  });

  it('skips a picture whose texts have too many captions together', async () => {
    const captions = (from: number) => Array.from({ length: 600 }, (_, i) => `fox ${from + i}`);
    const root = folder({
      'a.png': null,
      'a.txt': captions(0).join('\n'),
      'a.json': { captions: captions(600) },
      'b.png': null,
    });
    const { images, skipped } = await readShort(root);
    assert.deepEqual(images, [['b.png', [], null]]);
    assert.deepEqual(skipped, ['a.png: it has 1200 captions; at most 999 are read']);
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

  it('skips a picture whose JSON is broken or says captions of the wrong kind, with the file and the line', async () => {
    const root = folder({
      'a.png': null,
      'a.json': '{\n  "caption": "a fox"\n  "split": "test"\n}',
      'b.png': null,
      'b.json': '[]',
      'c.png': null,
      'c.json': { caption: 7 },
      'd.png': null,
      'd.json': { captions: ['a fox', { text: 'a fox' }] },
      'e.png': null,
      'e.json': { split: ['train'] },
      'f.png': null,
      'f.json/g.png': null,
    });
    const { images, skipped } = await readShort(root);
    assert.deepEqual(images, [
      ['f.json/g.png', [], null],
      ['f.png', [], null],
    ]);
    assert.match(skipped[0], /^a\.png: a\.json:3: it is not JSON: Expected ',' or '}'/);
    assert.deepEqual(skipped.slice(1), [
      'b.png: b.json: expected an object, got a list',
      'c.png: c.json: caption: expected a string or a list of strings, got a number',
      'd.png: d.json: captions: expected a string or a list of strings, got a list with an object',
      'e.png: e.json: split: expected a string, got a list',
    ]);
  });

  it('does not follow a link of captions out of the folder, nor waits for a pipe', async () => {
    const root = folder({ 'a.png': null, 'b.png': null, 'c.png': null, 'deep/d.txt': 'a fox' });
    const secret = path.join(temporary.path, 'secret');
    writeFileSync(secret, 'a secret');
    symlinkSync(secret, path.join(root, 'a.txt'));
    symlinkSync(path.join(root, 'deep', 'd.txt'), path.join(root, 'b.txt'));
    execFileSync('mkfifo', [path.join(root, 'c.txt')]);
    const { images, skipped } = await readShort(root);
    assert.deepEqual(images, [['b.png', ['a fox'], null]]);
    assert.deepEqual(skipped, [`a.png: a.txt is a link that leaves ${root}`, 'c.png: c.txt is not a file']);
  });

  it('reads names of all kinds, and says so of those that are not UTF-8', async () => {
    const names = [
      'new\nline.png',
      '🦊.png',
      `${'x'.repeat(251)}.png`,
      '\u202Egnp.png',
      '\uFFFD.png',
      ' .png',
      '-n.png',
    ];
    const root = folder(Object.fromEntries(names.map((name) => [name, null])));
    const mangled = Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([0xe9]), Buffer.from('.png')]);
    writeFileSync(mangled, '');
    const { images, skipped } = await readShort(root);
    assert.deepEqual(images.map(([name]) => name).sort(), [...names].sort());
    assert.deepEqual(skipped, ['caf\uFFFD.png: its name is not UTF-8; rename it']);
  });

  it('lists pictures of kinds that are not read too, so that each is refused with its reason', async () => {
    const { images } = await readShort(folder({ 'a.heic': null, 'b.HEIF': null, 'c.svg': '<svg/>', 'd.bmp': null }));
    assert.deepEqual(
      images.map(([name]) => name),
      ['a.heic', 'b.HEIF', 'c.svg'],
    );
  });

  it('is read in the order of names with those below, captions one a line; other and hidden files are ignored', async () => {
    const root = folder({
      'b.JPG': null,
      'b.TXT': '\uFEFFa fox\r\n\r\n  two foxes \n',
      'a/deep/c.webp': null,
      'a/deep/c.txt': 'a house',
      'a/deep/c.Txt': 'not this one',
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

  it('passes over folders that are ours, also reached through a link, and no others of their name', async () => {
    const root = folder({ 'a.png': null, 'data/own/b.webp': null, 'data/c.png': null, 'x/own/d.png': null });
    const link = path.join(temporary.path, 'other');
    symlinkSync(root, link);
    for (const place of [root, link]) {
      for (const source of [root, link]) {
        const except = [path.join(place, 'data', 'own'), path.join(place, 'none')];
        const reader = await openSource({ source, except });
        const names = (await collect(reader.entries())).map((entry) => 'name' in entry && entry.name);
        assert.deepEqual([names, reader.total], [['a.png', 'data/c.png', 'x/own/d.png'], 3]);
      }
    }
    const named = path.join(root, 'data', 'own');
    assert.equal((await openSource({ source: named, except: [named] })).total, 1);
  });

  it('ends where a linked folder points back to it', async () => {
    const root = folder({ 'a.png': null });
    symlinkSync(root, path.join(root, 'again'));
    assert.equal((await read(root)).length, 1);
  });

  it('has captions in text and JSON, each once; what else the JSON says are attributes', async () => {
    const root = folder({
      'a.jpg': null,
      'a.txt': 'a fox\ntwo foxes\n',
      'a.json': {
        caption: 'a fox',
        captions: ['three'],
        sentences: [{ raw: 'four', tokens: ['four'] }],
        width: 8,
        exif: { iso: 100 },
      },
    });
    assert.deepEqual(await read(root), [
      {
        name: 'a.jpg',
        location: { file: 'a.jpg' },
        captions: ['a fox', 'two foxes', 'three', 'four'],
        split: null,
        attributes: { width: 8 },
      },
    ]);
    const [fox, house] = (await read(fixture('readers', 'folder'))) as SourceImage[];
    assert.deepEqual([fox.name, fox.captions, fox.attributes], ['fox.jpg', ['a red fox', 'a fox in the snow'], {}]);
    assert.deepEqual(house, {
      name: 'night/house.jpg',
      location: { file: 'night/house.jpg' },
      captions: ['a house at night'],
      split: 'test',
      attributes: { camera: 'X100', iso: 800, flash: false, license: null },
    });
  });
});
