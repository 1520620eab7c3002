import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readMembers, type TarDamage, type TarMember } from '../../../indexer/readers/tar.js';
import { temporaryFolder } from '../../fixture.js';
import { type TarEntry, writeTar } from './tarfile.js';

describe('members of a tar archive', () => {
  const temporary = temporaryFolder();
  let count = 0;

  async function archive(entries: Iterable<TarEntry>): Promise<string> {
    const file = path.join(temporary.path, `${count++}.tar`);
    await writeTar(file, entries);
    return file;
  }

  function archiveOf(bytes: Buffer): string {
    const file = path.join(temporary.path, `${count++}.tar`);
    writeFileSync(file, bytes);
    return file;
  }

  async function read(file: string): Promise<{ members: TarMember[]; damage: TarDamage | null }> {
    const reading = readMembers(file);
    const members: TarMember[] = [];
    for (;;) {
      const { done, value } = await reading.next();
      if (done) return { members, damage: value };
      members.push(value);
    }
  }

  /** What lies where each member says. */
  function contents(file: string, members: TarMember[]): string[] {
    const bytes = readFileSync(file);
    return members.map(({ offset, bytes: length }) => bytes.toString('utf8', offset, offset + length));
  }

  it('are of a file that is there', async () => {
    await assert.rejects(read(path.join(temporary.path, 'none.tar')), { code: 'FILE_NOT_FOUND' });
  });

  for (const [what, bytes] of Object.entries({
    text: Buffer.from('no archive at all, but a text of some length'.repeat(30)),
    'a short text': Buffer.from('short'),
    noise: Buffer.alloc(5000, 0xa5),
  })) {
    it(`are not found in ${what}`, async () => {
      const { members, damage } = await read(archiveOf(bytes));
      assert.deepEqual(members, []);
      assert.equal(damage?.offset, 0);
    });
  }

  it('are none in an empty file, and in an empty archive', async () => {
    assert.deepEqual(await read(archiveOf(Buffer.alloc(0))), { members: [], damage: null });
    assert.deepEqual(await read(await archive([])), { members: [], damage: null });
  });

  it('are read up to where it was cut, wherever that is', async () => {
    const whole = readFileSync(
      await archive([
        ['a.jpg', Buffer.alloc(700, 1)],
        [`${'long/'.repeat(60)}b.jpg`, 'bb'],
        ['c.jpg', 'ccc'],
      ]),
    );
    const { members } = await read(archiveOf(whole));
    assert.equal(members.length, 3);
    const ends = members.map(({ offset, bytes }) => offset + bytes);
    for (let bytes = 1; bytes < whole.length; bytes += 97) {
      const cut = await read(archiveOf(whole.subarray(0, bytes)));
      assert.deepEqual(cut.members, members.slice(0, ends.filter((end) => end <= bytes).length));
      if (bytes < ends[2]) assert.ok(cut.damage, `cut at ${bytes}`);
    }
  });

  it('are read up to a header that was overwritten', async () => {
    const file = await archive([
      ['a.jpg', 'a'],
      ['b.jpg', 'b'],
      ['c.jpg', 'c'],
    ]);
    const bytes = readFileSync(file);
    bytes.fill(0x55, 1024, 1100);
    const { members, damage } = await read(archiveOf(bytes));
    assert.deepEqual(
      members.map(({ name }) => name),
      ['a.jpg'],
    );
    assert.equal(damage?.offset, 513);
    assert.match(damage.reason, /no tar header follows/);
  });

  it('may be larger than the archive, or of a size that is none: that is its end', async () => {
    for (const size of ['77777777777', '-0000000001', 'abcdefghijk']) {
      const bytes = readFileSync(await archive([['a.jpg', 'a']]));
      bytes.write(size, 124, 'latin1');
      bytes.write(checksum(bytes.subarray(0, 512)), 148, 'latin1');
      const { members, damage } = await read(archiveOf(bytes));
      assert.deepEqual(members, [], size);
      assert.ok(damage, size);
    }
  });

  it('are read up to one whose size is in a notation that there is not', async function () {
    this.timeout(5000); // not the suite's: it must not wait for ever
    for (const first of [0x81, 0xfe]) {
      const bytes = readFileSync(
        await archive([
          ['a.jpg', 'a'],
          ['b.jpg', 'b'],
        ]),
      );
      const sizeless = bytes.subarray(1024, 1536);
      sizeless[124] = first;
      sizeless.write(checksum(sizeless), 148, 'latin1');
      for (const end of [1536, bytes.length]) {
        const { members, damage } = await read(archiveOf(bytes.subarray(0, end)));
        assert.deepEqual(
          members.map(({ name }) => name),
          ['a.jpg'],
        );
        assert.match(damage?.reason ?? '', /b\.jpg has no size/);
      }
    }
  });

  it('have their content where they say: names of any length, in any alphabet, with newlines', async () => {
    const names = ['a.jpg', `${'d/'.repeat(120)}b.jpg`, `${'n'.repeat(300)}.jpg`, 'née 🦊.jpg', 'a\nb.jpg'];
    const file = await archive(names.map((name, i) => [name, `content ${i}`]));
    const { members, damage } = await read(file);
    assert.equal(damage, null);
    assert.deepEqual(
      members.map(({ name }) => name),
      names,
    );
    assert.deepEqual(contents(file, members), ['content 0', 'content 1', 'content 2', 'content 3', 'content 4']);
  });

  it('have their content where they say with long names as GNU tar has them', async () => {
    const long = `${'x'.repeat(200)}.jpg`;
    const blocks = [header('././@LongLink', long.length + 1, 'L'), content(`${long}\0`)];
    const file = archiveOf(Buffer.concat([...blocks, header('short', 4, '0'), content('here'), Buffer.alloc(1024)]));
    const { members, damage } = await read(file);
    assert.equal(damage, null);
    assert.deepEqual(
      members.map(({ name }) => name),
      [long],
    );
    assert.deepEqual(contents(file, members), ['here']);
  });

  it('are found behind large ones, and in an archive that was joined to another', async () => {
    const large = Buffer.alloc(3_000_001, 7);
    const one = readFileSync(await archive([['a.jpg', large], ['b.txt', 'after'], ['c.jpg', large]])); // prettier-ignore
    const two = readFileSync(await archive([['d.jpg', 'joined']]));
    const file = archiveOf(Buffer.concat([one, two]));
    const { members, damage } = await read(file);
    assert.equal(damage, null);
    assert.deepEqual(
      members.map(({ name, bytes }) => [name, bytes]),
      [
        ['a.jpg', large.length],
        ['b.txt', 5],
        ['c.jpg', large.length],
        ['d.jpg', 6],
      ],
    );
    assert.deepEqual(contents(file, [members[1], members[3]]), ['after', 'joined']);
  });

  it('are told from links, devices and sparse files', async () => {
    const file = await archive([
      [{ name: 'folder', type: 'directory' }],
      [{ name: 'symbolic.jpg', type: 'symlink', linkname: '/etc/hostname' }],
      [{ name: 'hard.jpg', type: 'link', linkname: 'a.jpg' }],
      [{ name: 'device.jpg', type: 'character-device' }],
      [{ name: 'pipe.jpg', type: 'fifo' }],
      [{ name: 'sparse.jpg', pax: { 'GNU.sparse.major': '1' } }, 'map and data'],
      ['a.jpg', 'a'],
    ]);
    const { members } = await read(file);
    assert.deepEqual(
      members.map(({ kind }) => kind),
      ['folder', 'link', 'link', 'special file', 'special file', 'sparse file', 'file'],
    );
  });
});

/** A header of GNU tar, which tar-stream does not write. */
function header(name: string, size: number, type: string): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0);
  block.write('0000644\0', 100);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  block.write(type, 156);
  block.write('ustar  \0', 257);
  block.write(checksum(block), 148);
  return block;
}

function content(text: string): Buffer {
  return Buffer.concat([Buffer.from(text), Buffer.alloc((512 - (text.length % 512)) % 512)]);
}

function checksum(block: Buffer): string {
  const sum = block.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  return `${sum.toString(8).padStart(6, '0')}\0 `;
}
