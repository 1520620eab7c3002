import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { Thumbnails } from '../../server/thumbnails.js';
import { fixture, temporaryFolder } from '../fixture.js';

const GATE = { running: 1, queued: 10 };
const PNG = fixture('preprocess', 'square_384.png');
const JPEG = fixture('preprocess', 'flickr_500x375.jpg');
const SMALL = fixture('preprocess', 'small_90x60.png');
const never = () => Promise.reject(new Error('the original was read'));

async function hashOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

describe('Thumbnails', () => {
  const temporary = temporaryFolder();
  let count = 0;
  function open(options: { maxBytes?: number; folder?: string; warn?: (line: string) => void } = {}) {
    const folder = options.folder ?? path.join(temporary.path, `thumbnails-${count++}`);
    const logger = pino({ level: 'warn' }, { write: options.warn ?? (() => assert.fail('nothing should be logged')) });
    return { folder, thumbnails: new Thumbnails({ folder, maxBytes: options.maxBytes ?? 1e9, gate: GATE, logger }) };
  }

  it('fails for a file that is no picture, and keeps nothing', async () => {
    const file = path.join(temporary.path, 'text.jpg');
    await writeFile(file, 'no picture');
    const { thumbnails, folder } = open();
    await assert.rejects(
      thumbnails.get(await hashOf(file), () => readFile(file)),
      { code: 'IMAGE_UNREADABLE' },
    );
    await assert.rejects(readdir(folder), { code: 'ENOENT' });
  });

  it('answers without keeping where the folder cannot be written', async () => {
    const lines: string[] = [];
    const folder = path.join(temporary.path, 'a-file');
    await writeFile(folder, '');
    const { thumbnails } = open({ folder, warn: (line) => lines.push(line) });
    const { bytes } = await thumbnails.get(await hashOf(PNG), () => readFile(PNG));
    assert.equal(bytes.subarray(8, 12).toString(), 'WEBP');
    assert.equal(lines.length, 1);
  });

  it('says when a file is no longer what was indexed, and keeps its thumbnail under its own hash', async () => {
    const { thumbnails, folder } = open();
    const { current } = await thumbnails.get('0'.repeat(64), () => readFile(PNG));
    assert.equal(current, false);
    assert.deepEqual(await readdir(folder), [`${await hashOf(PNG)}-320.webp`]);
  });

  it('makes a thumbnail once, for callers at the same time and later', async () => {
    const { thumbnails, folder } = open();
    const hash = await hashOf(PNG);
    const all = await Promise.all([1, 2, 3].map(() => thumbnails.get(hash, () => readFile(PNG))));
    const later = await thumbnails.get(hash, never);
    for (const { bytes, current } of [...all, later]) {
      assert.equal(current, true);
      assert.deepEqual(bytes, all[0].bytes);
    }
    assert.equal((await readdir(folder)).length, 1);
  });

  it('reads no more originals at once than it makes thumbnails', async () => {
    const { thumbnails } = open();
    let [reading, most] = [0, 0];
    const read = async (file: string) => {
      most = Math.max(most, ++reading);
      await new Promise((resolve) => setTimeout(resolve, 20));
      reading--;
      return readFile(file);
    };
    await Promise.all([PNG, JPEG, SMALL].map(async (file) => thumbnails.get(await hashOf(file), () => read(file))));
    assert.equal(most, 1);
  });

  it('removes the oldest beyond its bound', async () => {
    const files = [PNG, JPEG, SMALL];
    const { thumbnails, folder } = open();
    for (const [i, file] of files.entries()) {
      await thumbnails.get(await hashOf(file), () => readFile(file));
      const kept = path.join(folder, `${await hashOf(file)}-320.webp`);
      await utimes(kept, 1000 + i, 1000 + i);
    }
    const sizes = await Promise.all((await readdir(folder)).map((name) => stat(path.join(folder, name))));
    const bytes = sizes.reduce((sum, { size }) => sum + size, 0);
    const another = fixture('preprocess', 'gray_400x300.png');
    const tight = open({ folder, maxBytes: bytes });
    await tight.thumbnails.get(await hashOf(another), () => readFile(another));
    const names = await readdir(folder);
    assert.ok(!names.includes(`${await hashOf(PNG)}-320.webp`), 'the oldest is gone');
    assert.ok(names.includes(`${await hashOf(another)}-320.webp`), 'the newest is there');
  });
});
