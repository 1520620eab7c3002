import assert from 'node:assert/strict';
import { createReadStream, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';
import { readTar, TarWriter } from '../../indexer/tar.js';
import { temporaryFolder } from '../fixture.js';

describe('tar', () => {
  const temporary = temporaryFolder();
  const at = (name: string) => path.join(temporary.path, name);

  async function read(file: string): Promise<[string, string, string][]> {
    const entries: [string, string, string][] = [];
    for await (const { name, type, content } of readTar(file)) {
      const pieces = [];
      for await (const piece of content) pieces.push(piece);
      entries.push([name, type, Buffer.concat(pieces).toString()]);
    }
    return entries;
  }

  describe('readTar', () => {
    it('refuses what is not there, a folder, garbage, and what breaks off', async () => {
      await assert.rejects(read(at('none.tar')), { code: 'FILE_NOT_FOUND' });
      await assert.rejects(read(temporary.path));
      writeFileSync(at('garbage.tar'), 'garbage '.repeat(1000));
      await assert.rejects(read(at('garbage.tar')), { code: 'SOURCE_INVALID', message: /not a tar file/ });
      const writer = new TarWriter(at('short.tar'));
      await writer.add({ name: 'a', bytes: new Uint8Array(5000), modified: 0 });
      await writer.finish();
      truncateSync(at('short.tar'), 2000);
      await assert.rejects(read(at('short.tar')), { code: 'SOURCE_INVALID', message: /cut short/ });
    });

    it('can be left early, and read in part', async () => {
      const writer = new TarWriter(at('many.tar'));
      for (let i = 0; i < 20; i++) await writer.add({ name: `${i}`, bytes: new Uint8Array(100_000), modified: 0 });
      await writer.finish();
      const names = [];
      for await (const { name } of readTar(at('many.tar'))) names.push(name);
      assert.equal(names.length, 20, 'whose content no one reads');
      for await (const { name } of readTar(at('many.tar'))) {
        assert.equal(name, '0');
        break;
      }
    });
  });

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

    it('fails, rather than hang, where a file to be added goes away or grows', async () => {
      const writer = new TarWriter(at('fails.tar'));
      await assert.rejects(writer.addFile({ name: 'a', file: at('none') }), { code: 'ENOENT' });
      writeFileSync(at('growing'), 'x'.repeat(1000));
      const adding = writer.addFile({ name: 'b', file: at('growing') });
      writeFileSync(at('growing'), 'x'.repeat(3_000_000));
      await assert.rejects(adding);
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
      const expected = [
        ['images/füchse-1.jpg', 'file', 'foxes'],
        ['empty', 'file', ''],
        [`${'x'.repeat(200)}.jpg`, 'file', 'long'],
        ['large', 'file', 'large '.repeat(500_000)],
      ];
      assert.deepEqual(await read(file), expected);
      const extract = tar.extract();
      const times: number[] = [];
      extract.on('entry', ({ mtime }, stream, next) => {
        times.push(mtime.getTime());
        stream.resume();
        next();
      });
      await pipeline(createReadStream(file), extract);
      assert.equal(times[0], 1.7e12);
    });
  });
});
