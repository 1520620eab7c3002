import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readImg2dataset } from '../../../indexer/readers/img2dataset.js';
import type { SkippedImage, SourceImage } from '../../../indexer/readers/reader.js';
import { describeReader, openSource } from '../../../indexer/readers/source.js';
import { readOriginal } from '../../../src/original.js';
import { fixture, temporaryFolder } from '../../fixture.js';
import { collect } from '../collect.js';
import { writeParquet } from './parquetfile.js';
import { writeTar } from './tarfile.js';

const KEYS = ['000000000', '000000002'];

/** What img2dataset says of a picture. */
const meta = (key: string) =>
  JSON.stringify({ caption: `caption ${key}`, url: 'https://example.org/', key, status: 'success', error_message: null, width: 90, exif: '{}' }); // prettier-ignore

describe('the output of img2dataset', () => {
  const temporary = temporaryFolder();
  let count = 0;

  function newFolder(): string {
    const folder = path.join(temporary.path, String((count += 1)));
    mkdirSync(folder);
    return folder;
  }

  /** What stands beside each shard in every layout: its counts, and what was said of all, pictures aside. */
  function writeBeside(folder: string, shard: string): void {
    const stats = { count: 3, successes: 2, failed_to_download: 1, failed_to_resize: 0, duration: 1, status_dict: {} };
    writeFileSync(path.join(folder, `${shard}_stats.json`), JSON.stringify(stats, null, 4));
    const columns = ['url', 'key', 'status'].map((name) => ({ name, type: 'string' as const }));
    const groups = [[['https://example.org/', '000000001', 'failed_to_download']]];
    writeParquet(path.join(folder, `${shard}.parquet`), { columns, groups });
  }

  async function writeArchive(folder: string, shard: string): Promise<void> {
    writeBeside(folder, shard);
    const members = KEYS.flatMap((key) => [
      [`${key}.jpg`, `picture ${key}`],
      [`${key}.txt`, `caption ${key}`],
      [`${key}.json`, meta(key)],
    ]);
    await writeTar(path.join(folder, `${shard}.tar`), members as [string, string][]);
  }

  function writeFiles(folder: string, shard: string): void {
    writeBeside(folder, shard);
    mkdirSync(path.join(folder, shard));
    for (const key of KEYS) {
      writeFileSync(path.join(folder, shard, `${key}.jpg`), `picture ${key}`);
      writeFileSync(path.join(folder, shard, `${key}.txt`), `caption ${key}`);
      writeFileSync(path.join(folder, shard, `${key}.json`), meta(key));
    }
  }

  function writeTable(folder: string, shard: string): void {
    writeBeside(folder, shard);
    copyFileSync(fixture('readers', 'img2dataset', '00000.parquet'), path.join(folder, `${shard}.parquet`));
  }

  it('must be a folder that has a shard', async () => {
    const folder = newFolder();
    writeFileSync(path.join(folder, '00000_stats.json'), '{"count": 3, "successes": 2}');
    for (const source of [folder, newFolder(), path.join(folder, '00000_stats.json'), path.join(folder, 'none')]) {
      await assert.rejects(readImg2dataset({ path: source }), (error: Error & { code?: string }) => {
        assert.ok(['SOURCE_INVALID', 'FILE_NOT_FOUND'].includes(error.code!), source);
        return true;
      });
    }
    await assert.rejects(readImg2dataset({ path: folder, images: '.' }), { code: 'INVALID_ARGUMENT' });
  });

  it('is read where its counts are hostile, and shards that are none are passed over or reported', async () => {
    const folder = newFolder();
    await writeArchive(folder, '00000');
    for (const stats of ['', '[]', '{"count": -1, "successes": 5}', '{"count": 1, "successes": 2}', 'x'.repeat(2e6)]) {
      writeFileSync(path.join(folder, '00000_stats.json'), stats);
      const reader = await readImg2dataset({ path: folder });
      assert.deepEqual([reader.total, reader.passedOver], [null, 0], stats.slice(0, 30));
    }
    writeFileSync(path.join(folder, '00001.tar'), 'no archive');
    writeFileSync(path.join(folder, '00002.parquet'), 'no table');
    mkdirSync(path.join(folder, '00003'));
    mkdirSync(path.join(folder, '00004.tar'));
    execFileSync('mkfifo', [path.join(folder, '00005.tar')]);
    const outside = path.join(newFolder(), 'outside.tar');
    await writeTar(outside, [['a.jpg', 'x']]);
    symlinkSync(outside, path.join(folder, '00006.tar'));
    const entries = await collect((await readImg2dataset({ path: folder })).entries());
    assert.deepEqual(entries.map((entry) => ('name' in entry ? entry.name : entry.file)).sort(), [
      '00000.tar/000000000.jpg',
      '00000.tar/000000002.jpg',
      '00001.tar@0',
      '00002.parquet',
      '00004.tar',
      '00005.tar',
      '00006.tar',
    ]);
  });

  const layouts: Record<string, { write: (folder: string) => unknown; name: string }> = {
    webdataset: { write: (folder) => writeArchive(folder, '00000'), name: '00000.tar/000000002.jpg' },
    files: { write: (folder) => writeFiles(folder, '00000'), name: '00000/000000002.jpg' },
    parquet: { write: (folder) => writeTable(folder, '00000'), name: '00000.parquet/000000002.jpg' },
  };
  for (const [layout, { write, name }] of Object.entries(layouts)) {
    it(`is read in the layout "${layout}", without what could not be downloaded`, async () => {
      const folder = newFolder();
      await write(folder);
      const reader = await openSource({ source: folder });
      assert.deepEqual(
        { format: reader.format, total: reader.total, passedOver: reader.passedOver, path: reader.path },
        { format: 'img2dataset', total: 2, passedOver: 1, path: folder },
      );
      const images = (await collect(reader.entries())) as SourceImage[];
      assert.equal(images.length, 2);
      const [, second] = images;
      assert.equal(second.name, name);
      assert.deepEqual(second.captions, [layout === 'parquet' ? 'a third square' : 'caption 000000002']);
      assert.deepEqual([second.attributes.key, second.attributes.status, second.attributes.exif], ['000000002', 'success', '{}']); // prettier-ignore
      const bytes = Buffer.from(await readOriginal({ root: reader.root, location: second.location }, { bytes: 1e6 }));
      if (layout === 'parquet') assert.equal(bytes.toString('hex', 0, 3), 'ffd8ff');
      else assert.equal(bytes.toString(), 'picture 000000002');
    });
  }

  it('has no pictures of folders that are ours', async () => {
    const folder = newFolder();
    writeFiles(folder, '00000');
    const own = path.join(folder, '00000', 'own');
    mkdirSync(own);
    writeFileSync(path.join(own, '1.webp'), 'a thumbnail');
    const reader = await openSource({ source: folder, except: [own] });
    assert.equal((await collect(reader.entries())).length, KEYS.length);
  });

  for (const [layout, { write, name }] of Object.entries(layouts)) {
    it(`is read shard by shard where the table of one is named, in the layout "${layout}"`, async () => {
      const folder = newFolder();
      await write(folder);
      await writeArchive(folder, '00001');
      const source = path.join(folder, '00000.parquet');
      const reader = await openSource({ source });
      assert.deepEqual(
        { format: reader.format, total: reader.total, passedOver: reader.passedOver, path: reader.path },
        { format: 'img2dataset', total: 2, passedOver: 1, path: source },
      );
      const images = (await collect(reader.entries())) as SourceImage[];
      assert.deepEqual(images.map((image) => image.name).slice(1), [name]);
    });
  }

  it('is a table like any other without its counts, and has no row of what could not be downloaded', async () => {
    const folder = newFolder();
    for (const file of ['00000.parquet', 'more.parquet']) {
      copyFileSync(fixture('readers', 'img2dataset', '00000.parquet'), path.join(folder, file));
    }
    for (const source of [folder, path.join(folder, '00000.parquet'), path.join(folder, 'more.parquet')]) {
      const reader = await openSource({ source });
      assert.deepEqual([reader.format, reader.total], ['parquet', null]);
      const images = (await collect(reader.entries())) as SourceImage[];
      assert.deepEqual(
        images.map(({ attributes }) => attributes.key),
        source === folder ? [...KEYS, ...KEYS] : KEYS,
      );
    }
  });

  it('may be large: shards in any layout, in the order of their names', async () => {
    const folder = newFolder();
    writeTable(folder, '00002');
    writeFiles(folder, '00001');
    await writeArchive(folder, '00000');
    const reader = await openSource({ source: folder });
    assert.deepEqual([reader.total, reader.passedOver], [6, 3]);
    assert.match(describeReader(reader), /as img2dataset output, without 3 that could not be downloaded\.$/);
    const entries = (await collect(reader.entries())) as (SourceImage & SkippedImage)[];
    assert.deepEqual(
      entries.map(({ name }) => name),
      ['00000.tar', '00001', '00002.parquet'].flatMap((shard) => KEYS.map((key) => `${shard}/${key}.jpg`)),
    );
  });
});
