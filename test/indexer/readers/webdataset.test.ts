import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { SkippedImage, SourceImage } from '../../../indexer/readers/reader.js';
import { openSource } from '../../../indexer/readers/source.js';
import { readWebdataset } from '../../../indexer/readers/webdataset.js';
import { readOriginal } from '../../../src/original.js';
import { temporaryFolder } from '../../fixture.js';
import { collect } from '../collect.js';
import { type TarEntry, writeTar } from './tarfile.js';

type Entries = (SourceImage | SkippedImage)[];

describe('WebDataset', () => {
  const temporary = temporaryFolder();
  let count = 0;

  function newFolder(): string {
    const folder = path.join(temporary.path, String((count += 1)));
    mkdirSync(folder);
    return folder;
  }

  async function archive(entries: TarEntry[], name = '00000.tar'): Promise<string> {
    const file = path.join(newFolder(), name);
    await writeTar(file, entries);
    return file;
  }

  const read = async (source: string): Promise<Entries> => collect((await openSource({ source })).entries());
  const readEntriesOf = read;
  const readEntries = async (entries: TarEntry[]) => read(await archive(entries));
  const skipped = (entries: Entries) => entries.filter((entry): entry is SkippedImage => 'reason' in entry);
  const images = (entries: Entries) => entries.filter((entry): entry is SourceImage => 'name' in entry);
  const bytesOf = async (root: string, { location }: SourceImage) =>
    Buffer.from(await readOriginal({ root, location }, { bytes: 1e6 })).toString();

  it('is read beside a folder that cannot be, which is an entry of its own', async () => {
    const folder = path.dirname(await archive([['fox.png', 'a picture']]));
    // Nobody opens a folder whose path is too long, not even root.
    const dig = 'cd "$1" && for i in 0 1 2 3 4 5 6 7 8 9 a b c d e f 10 11; do mkdir "$2" && cd "$2" || exit; done';
    execFileSync('bash', ['-c', dig, 'dig', folder, 'x'.repeat(250)]);
    try {
      const entries = await read(folder);
      assert.deepEqual(
        images(entries).map(({ name }) => name),
        ['00000.tar/fox.png'],
      );
      assert.deepEqual(
        skipped(entries).map(({ file }) => /^(x{250}\/)+$/.test(file)),
        [true],
      );
    } finally {
      execFileSync('rm', ['-rf', folder]);
    }
  });

  it('must be a tar archive, or a folder that has one', async () => {
    const folder = newFolder();
    writeFileSync(path.join(folder, 'text.tar'), 'no archive');
    for (const [path_, code] of [
      [path.join(folder, 'none.tar'), 'FILE_NOT_FOUND'],
      [path.join(folder, 'text.tar'), 'SOURCE_INVALID'],
      [folder, 'SOURCE_INVALID'],
      [newFolder(), 'SOURCE_INVALID'],
    ]) {
      await assert.rejects(readWebdataset({ path: path_ }), { code }, path_);
    }
  });

  it('refuses options that it has no use for', async () => {
    const file = await archive([['a.jpg', 'a']]);
    await assert.rejects(readWebdataset({ path: file, images: '.' }), { code: 'INVALID_ARGUMENT' });
    await assert.rejects(readWebdataset({ path: file, columns: { image: 'jpg' } }), { code: 'INVALID_ARGUMENT' });
  });

  it('refuses a packed archive and says what to do; beside others it is an entry', async () => {
    const file = await archive([['a.jpg', 'a']]);
    const packed = path.join(path.dirname(file), '00001.tar.gz');
    writeFileSync(packed, gzipSync(readFileSync(file)));
    await assert.rejects(openSource({ source: packed }), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'SOURCE_INVALID');
      assert.match(error.message, /packed with gzip; unpack it/);
      return true;
    });
    const entries = await read(path.dirname(file));
    assert.deepEqual(
      entries.map((entry) => ('name' in entry ? entry.name : entry.file)),
      ['00000.tar/a.jpg', '00001.tar.gz'],
    );
  });

  it('never takes what is no plain file, or has a name that leads elsewhere', async () => {
    const entries = await readEntries([
      ['../up.jpg', 'x'],
      ['a/../../up.jpg', 'x'],
      ['/etc/absolute.jpg', 'x'],
      [{ name: 'link.jpg', type: 'symlink', linkname: '/etc/hostname' }],
      [{ name: 'hard.jpg', type: 'link', linkname: 'good.jpg' }],
      [{ name: 'device.jpg', type: 'block-device' }],
      [{ name: 'sparse.jpg', pax: { 'GNU.sparse.major': '1' } }, 'x'],
      [`${'n'.repeat(2000)}.jpg`, 'x'],
      [{ name: 'good.txt', type: 'symlink', linkname: '/etc/hostname' }],
      ['good.jpg', 'good'],
    ]);
    assert.deepEqual(images(entries), [
      {
        name: '00000.tar/good.jpg',
        location: { file: '00000.tar', offset: (images(entries)[0].location as { offset: number }).offset, bytes: 4 },
        captions: [],
        split: null,
        attributes: {},
      },
    ]);
    const reasons = skipped(entries).map(({ reason }) => reason);
    assert.equal(reasons.length, 9);
    for (const name of ['../up.jpg', 'a/../../up.jpg', '/etc/absolute.jpg']) {
      assert.ok(reasons.includes(`${name}: its path leaves the archive`), name);
    }
    assert.equal(new Set(skipped(entries).map(({ file }) => file)).size, 9, 'each is told from the others');
  });

  it('skips a sample whose captions are too long, too many, not UTF-8 or not JSON, and reads the rest', async () => {
    const entries = await readEntries([
      ['a.jpg', 'x'],
      ['a.txt', Buffer.from([0x61, 0xe9])],
      ['b.jpg', 'x'],
      ['b.json', '{"caption": '],
      ['c.jpg', 'x'],
      ['c.json', '[]'],
      ['d.jpg', 'x'],
      ['d.json', `{"caption": "${'x'.repeat(2_000_000)}"}`],
      ['e.jpg', 'x'],
      ['e.txt', 'x'.repeat(20_000)],
      ['f.jpg', 'x'],
      ['f.json', '{"caption": {"deep": 1}}'],
      ['g.jpg', 'x'],
      ['g.txt', 'a fox'],
    ]);
    const reasons = Object.fromEntries(skipped(entries).map(({ file, reason }) => [path.posix.basename(file), reason]));
    assert.match(reasons['a.jpg'], /a.txt is not UTF-8 text/);
    assert.match(reasons['b.jpg'], /b.json:1: it is not JSON/);
    assert.match(reasons['c.jpg'], /c.json: expected an object, got a list/);
    assert.match(reasons['d.jpg'], /d.json has 2000015 bytes/);
    assert.match(reasons['e.jpg'], /e.txt: a caption has 20000 characters/);
    assert.match(reasons['f.jpg'], /f.json: caption: expected a string/);
    assert.deepEqual(
      images(entries).map(({ name, captions }) => [name, captions]),
      [['00000.tar/g.jpg', ['a fox']]],
    );
  });

  it('reads what was whole of an archive that was cut, and says where it was', async () => {
    const file = await archive([
      ['a.jpg', 'first'],
      ['a.txt', 'a fox'],
      ['b.jpg', Buffer.alloc(5000, 1)],
    ]);
    truncateSync(file, 5 * 512 + 100);
    const entries = await read(file);
    assert.deepEqual(
      images(entries).map(({ name, captions }) => [name, captions]),
      [['00000.tar/a.jpg', ['a fox']]],
    );
    assert.deepEqual(skipped(entries), [
      { file: '00000.tar@2560', reason: 'b.jpg is cut short; what comes before is read', within: '00000.tar' },
    ]);
  });

  it('leaves a sample alone whose captions may be what was cut', async () => {
    const entries: TarEntry[] = [
      ['a.jpg', 'first'],
      ['a.txt', 'a fox'],
      ['b.jpg', 'second'],
      ['b.txt', 'a house '.repeat(100)],
    ];
    // In the content of b.txt, in its header, and before that.
    for (const bytes of [7 * 512 + 100, 6 * 512 + 100, 6 * 512]) {
      const file = await archive(entries);
      truncateSync(file, bytes);
      const read = await readEntriesOf(file);
      assert.deepEqual(
        images(read).map(({ name }) => name),
        bytes === 6 * 512 ? ['00000.tar/a.jpg', '00000.tar/b.jpg'] : ['00000.tar/a.jpg'],
      );
      if (bytes > 6 * 512) assert.match(skipped(read)[1].reason, /may be missing: the archive ends there/);
    }
  });

  it('is told by the first archive that can be read', async () => {
    const folder = path.dirname(await archive([['a.jpg', 'first']], '00002.tar'));
    writeFileSync(path.join(folder, '00000.tar'), '');
    writeFileSync(path.join(folder, '00001.tar'), '<html>not found</html>'.repeat(100));
    const reader = await openSource({ source: folder });
    assert.equal(reader.format, 'webdataset');
    const all = await collect(reader.entries());
    assert.deepEqual(
      images(all).map(({ name }) => name),
      ['00002.tar/a.jpg'],
    );
    assert.ok(skipped(all).some(({ file }) => file === '00001.tar'));
  });

  it('takes the first of two members of one name, and says so of the other', async () => {
    const file = await archive([
      ['a.jpg', 'first'],
      ['a.txt', 'one'],
      ['b.jpg', 'second'],
      ['a.jpg', 'third'],
      ['./a.txt', 'two'],
    ]);
    const entries = await read(file);
    const [a] = images(entries);
    assert.deepEqual([a.name, a.captions], ['00000.tar/a.jpg', ['one']]);
    assert.equal(await bytesOf(path.dirname(file), a), 'first');
    assert.deepEqual(
      skipped(entries).map(({ reason }) => reason),
      ['a.jpg: it is there a second time', 'a.txt: it is there a second time'],
    );
  });

  it('says so of captions without a picture; other files are ignored', async () => {
    const entries = await readEntries([
      ['a.txt', 'a fox'],
      ['a.json', '{}'],
      ['README.md', 'about'],
      ['b.npy', 'x'],
      ['._c.jpg', 'of a Mac'],
      ['d.jpg', 'x'],
    ]);
    assert.deepEqual(skipped(entries), [{ file: '00000.tar/a', reason: 'there is no picture with its txt, json' }]);
    assert.equal(images(entries).length, 1);
  });

  it('joins what belongs together, in whatever order, up to the first dot of the base name', async () => {
    const file = await archive([
      ['v1.0/000.json', '{"caption": "two", "captions": ["one", "three"], "split": "val", "width": 12, "tags": ["x"], "__proto__": 1}'],
      ['v1.0/001.seg.png', 'mask'],
      ['v1.0/001.JPG', 'picture'],
      ['v1.0/000.txt', 'one\r\ntwo\n\n'],
      ['v1.0/000.png', 'other'],
      ['v1.0/000.jpg', 'chosen'],
      ['v1.0/001.cls', '7\n'],
      ['v1.0/002.image.webp', 'only'],
    ]); // prettier-ignore
    const [first, second, third, ...rest] = images(await read(file));
    assert.deepEqual(rest, []);
    assert.deepEqual(
      [first.name, first.captions, first.split],
      ['00000.tar/v1.0/000.jpg', ['one', 'two', 'three'], 'val'],
    );
    assert.deepEqual(Object.entries(first.attributes), [
      ['width', 12],
      ['__proto__', 1],
    ]);
    assert.deepEqual([second.name, second.attributes], ['00000.tar/v1.0/001.JPG', { cls: 7 }]);
    assert.equal(third.name, '00000.tar/v1.0/002.image.webp');
    const root = path.dirname(file);
    assert.deepEqual(await Promise.all([first, second, third].map((image) => bytesOf(root, image))), [
      'chosen',
      'picture',
      'only',
    ]);
  });

  it('reads names with newlines and of any length from where they lie', async () => {
    const long = `${'folder/'.repeat(40)}${'n'.repeat(150)}`;
    const file = await archive([
      ['a\nb.jpg', 'newline'],
      ['a\nb.txt', 'a fox'],
      [`${long}.jpg`, 'long'],
      [`${long}.txt`, 'a house'],
    ]);
    const found = images(await read(file));
    assert.deepEqual(
      found.map(({ name, captions }) => [name, captions]),
      [
        ['00000.tar/a\nb.jpg', ['a fox']],
        [`00000.tar/${long}.jpg`, ['a house']],
      ],
    );
    assert.equal(await bytesOf(path.dirname(file), found[0]), 'newline');
    assert.equal(await bytesOf(path.dirname(file), found[1]), 'long');
  });

  it('is all the archives of a folder and of those below, but none that a link brings in', async () => {
    const folder = newFolder();
    mkdirSync(path.join(folder, 'train'));
    await writeTar(path.join(folder, 'train', '00001.tar'), [['a.jpg', 'x']]);
    await writeTar(path.join(folder, '00000.tar'), [['a.jpg', 'x']]);
    symlinkSync(await archive([['z.jpg', 'x']]), path.join(folder, '00002.tar'));
    symlinkSync(path.join(folder, '00000.tar'), path.join(folder, '00003.tar'));
    const reader = await openSource({ source: folder });
    assert.deepEqual([reader.format, reader.total, reader.path], ['webdataset', null, folder]);
    const entries = await collect(reader.entries());
    assert.deepEqual(
      images(entries).map(({ name }) => name),
      ['00000.tar/a.jpg', '00003.tar/a.jpg', 'train/00001.tar/a.jpg'],
    );
    assert.match(skipped(entries)[0].reason, /link that leaves/);
  });

  it('is recognised by what is not in folders that are ours, and has no archive of theirs', async () => {
    const file = await archive([['a.jpg', 'x']]);
    const source = path.dirname(file);
    const own = path.join(source, 'own');
    mkdirSync(own);
    writeFileSync(path.join(own, '1.webp'), 'a thumbnail');
    await writeTar(path.join(own, '1.tar'), [['b.jpg', 'x']]);
    const reader = await openSource({ source, except: [own] });
    assert.equal(reader.format, 'webdataset');
    assert.deepEqual(
      images(await collect(reader.entries())).map(({ name }) => name),
      ['00000.tar/a.jpg'],
    );
  });

  it('is not recognised in a folder of pictures that has an archive, too', async () => {
    const file = await archive([['a.jpg', 'x']], 'backup.tar');
    writeFileSync(path.join(path.dirname(file), 'fox.jpg'), 'x');
    assert.equal((await openSource({ source: path.dirname(file) })).format, 'folder');
  });
});
