import assert from 'node:assert/strict';
import { createWriteStream, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import tar, { type Header } from 'tar-stream';
import { unpack } from '../../indexer/unpacking.js';
import { temporaryFolder } from '../fixture.js';

const ALLOWED = { 'dataset.json': 1000, 'images/': 100 };

describe('unpack', () => {
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  let count = 0;

  /** A tar file of these entries, each with its content. */
  async function write(entries: [Partial<Header>, string?][]): Promise<string> {
    const file = at(`${count++}.tar`);
    const pack = tar.pack();
    for (const [header, content] of entries) pack.entry(header as Header, content ?? '');
    pack.finalize();
    await pipeline(pack, createWriteStream(file));
    return file;
  }

  const hostile: [string, Partial<Header>, RegExp][] = [
    ['a path that leaves the folder', { name: '../evil.jpg' }, /\.\.\/evil/],
    ['one that leaves it from below', { name: 'images/../../evil.jpg' }, /expected only/],
    ['an absolute path', { name: '/tmp/evil.jpg' }, /expected/],
    ['a path of Windows', { name: 'images/..\\evil.jpg' }, /plain file name/],
    ['a folder in a folder', { name: 'images/a/b.jpg' }, /expected only/],
    ['a hidden file', { name: 'images/.htaccess' }, /plain file name/],
    ['a name with a newline', { name: 'images/a\nb.jpg' }, /plain file name/],
    ['a name of no characters', { name: 'images//' }, /plain file name|expected/],
    ['a name that is too long', { name: `images/${'é'.repeat(128)}` }, /255 bytes/],
    ['a file that is not expected', { name: 'catalog.sqlite' }, /expected only dataset\.json, images\//],
    ['a file named as what every object has', { name: 'constructor' }, /expected only/],
    ['a link', { name: 'images/a.jpg', type: 'symlink', linkname: '/etc/passwd' }, /a link/],
    ['a hard link', { name: 'images/a.jpg', type: 'link', linkname: 'dataset.json' }, /a link/],
    ['a device', { name: 'images/a.jpg', type: 'character-device' }, /special file/],
    ['a pipe', { name: 'images/a.jpg', type: 'fifo' }, /special file/],
    ['another folder', { name: 'other/', type: 'directory' }, /a folder/],
  ];
  for (const [what, header, message] of hostile) {
    it(`refuses ${what}`, async () => {
      const file = await write([[header]]);
      const folder = at('hostile', String(count));
      await assert.rejects(unpack({ file, folder, allowed: ALLOWED }), { code: 'SOURCE_INVALID', message });
      assert.deepEqual(readdirSync(folder), []);
      assert.ok(!existsSync(at('evil.jpg')) && !existsSync(at('hostile', 'evil.jpg')));
    });
  }

  it('refuses what is no tar file, and what breaks off', async () => {
    writeFileSync(at('garbage.tar'), 'garbage '.repeat(1000));
    const whole = readFileSync(
      await write([
        [{ name: 'images/a.jpg' }, 'x'.repeat(90)],
        [{ name: 'images/b.jpg' }, 'x'],
      ]),
    );
    writeFileSync(at('short.tar'), whole.subarray(0, 1024 + 100));
    for (const name of ['garbage.tar', 'short.tar']) {
      const refused = unpack({ file: at(name), folder: at(`${name}.out`), allowed: ALLOWED });
      await assert.rejects(refused, { code: 'SOURCE_INVALID', message: /not a whole tar file/ });
    }
    await assert.rejects(unpack({ file: at('none.tar'), folder: at('none'), allowed: ALLOWED }), {
      code: 'FILE_NOT_FOUND',
    });
    await assert.rejects(unpack({ file: temporary.path, folder: at('none'), allowed: ALLOWED }));
  });

  it('refuses a file of more bytes than allowed before it is written, and one that is there twice', async () => {
    const folder = at('large');
    const large = await write([[{ name: 'images/a.jpg' }, 'x'.repeat(101)]]);
    await assert.rejects(unpack({ file: large, folder, allowed: ALLOWED }), { message: /101 bytes, more than 100/ });
    assert.deepEqual(readdirSync(folder), []);
    const twice = await write([
      [{ name: 'images/a.jpg' }, 'first'],
      [{ name: './images/a.jpg' }, 'second'],
    ]);
    await assert.rejects(unpack({ file: twice, folder, allowed: ALLOWED }), { message: /twice/ });
    assert.equal(readFileSync(path.join(folder, 'images', 'a.jpg'), 'utf8'), 'first');
  });

  it('stops when it is told to', async () => {
    const file = await write([[{ name: 'dataset.json' }, '{}']]);
    const signal = AbortSignal.abort();
    await assert.rejects(unpack({ file, folder: at('stopped'), allowed: ALLOWED, signal }), { code: 'CANCELLED' });
  });

  it('unpacks what it may, also as tar itself writes it', async () => {
    const file = await write([
      [{ name: './', type: 'directory' }],
      [{ name: './images/', type: 'directory' }],
      [{ name: './dataset.json' }, '{}'],
      [{ name: './images/füchse.jpg', mode: 0o777 }, 'fox'],
      [{ name: './images/empty.jpg' }, ''],
    ]);
    const folder = at('whole');
    const states: number[] = [];
    await unpack({ file, folder, allowed: ALLOWED, onProgress: ({ done }) => states.push(done) });
    assert.deepEqual(readdirSync(folder).sort(), ['dataset.json', 'images']);
    assert.equal(readFileSync(path.join(folder, 'images', 'füchse.jpg'), 'utf8'), 'fox');
    assert.equal(statSync(path.join(folder, 'images', 'füchse.jpg')).mode & 0o111, 0, 'nothing to be executed');
    assert.equal(statSync(path.join(folder, 'images', 'empty.jpg')).size, 0);
    assert.deepEqual(states, [2, 5, 5]);
  });
});
