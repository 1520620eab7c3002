import assert from 'node:assert/strict';
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';
import { TarWriter } from '../../indexer/tar.js';
import { temporaryFolder } from '../fixture.js';

describe('tar', () => {
  const temporary = temporaryFolder();
  const at = (name: string) => path.join(temporary.path, name);

  async function read(file: string): Promise<[string, string, number][]> {
    const entries: [string, string, number][] = [];
    const extract = tar.extract();
    extract.on('entry', ({ name, mtime }, stream, next) => {
      const pieces: Buffer[] = [];
      stream.on('data', (piece) => pieces.push(piece as Buffer));
      stream.on('end', () => {
        entries.push([name, Buffer.concat(pieces).toString(), mtime.getTime()]);
        next();
      });
    });
    await pipeline(createReadStream(file), extract);
    return entries;
  }

  describe('TarWriter', () => {
    it('writes over nothing', async () => {
      writeFileSync(at('mine.tar'), 'mine');
      const writer = new TarWriter(at('mine.tar'));
      const write = async () => {
        await writer.add({ name: 'a', bytes: new Uint8Array(10), modified: 0 });
        await writer.finish();
      };
      await assert.rejects(write, { code: 'EEXIST' });
      await writer.abandon();
      assert.equal(readFileSync(at('mine.tar'), 'utf8'), 'mine');
    });

    it('fails, rather than hang, where a file to be added is gone', async () => {
      const writer = new TarWriter(at('fails.tar'));
      await assert.rejects(writer.addFile({ name: 'a', file: at('none') }), { code: 'ENOENT' });
      await writer.abandon();
    });

    it('fails, rather than hang, where a file to be added has grown since it was looked at', async function () {
      // Of no bytes, says its status, and there are some.
      const growing = '/proc/self/status';
      if (!existsSync(growing)) this.skip();
      const writer = new TarWriter(at('grows.tar'));
      await assert.rejects(writer.addFile({ name: 'a', file: growing }));
      await writer.abandon();
    });

    it('writes what any tar program reads', async () => {
      const file = at('whole.tar');
      writeFileSync(at('large'), 'large '.repeat(500_000));
      const writer = new TarWriter(file);
      await writer.add({ name: 'images/füchse-1.jpg', bytes: Buffer.from('foxes'), modified: 1.7e12 });
      await writer.add({ name: 'empty', bytes: new Uint8Array(0), modified: 1.7e12 });
      await writer.add({ name: `${'x'.repeat(200)}.jpg`, bytes: Buffer.from('long'), modified: 1.7e12 });
      await writer.addFile({ name: 'large', file: at('large') });
      await writer.finish();
      const entries = await read(file);
      assert.deepEqual(
        entries.map(([name, content]) => [name, content]),
        [
          ['images/füchse-1.jpg', 'foxes'],
          ['empty', ''],
          [`${'x'.repeat(200)}.jpg`, 'long'],
          ['large', 'large '.repeat(500_000)],
        ],
      );
      assert.equal(entries[0][2], 1.7e12);
    });
  });
});
