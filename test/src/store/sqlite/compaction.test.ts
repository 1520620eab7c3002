import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { requireRoom, sqliteFolder } from '../../../../src/store/sqlite/compaction.js';
import { openStore, type SqliteStore } from '../../../../src/store/sqlite/store.js';
import { temporaryFolder } from '../../../fixture.js';
import { imageRecord, modelOf, neighborsOf, seededRandom, upsertTo } from '../records.js';

const DIMENSION = 16;
const IMAGES = 400;
const KILLS = 6;
const STORE = new URL('../../../../src/store/sqlite/store.js', import.meta.url).href;

describe('room for compacting', () => {
  it('is asked for where SQLite writes, twice where that is one disk', () => {
    const temporary = temporaryDirectory.path;
    const folder = path.join(temporary, 'collection');
    mkdirSync(folder);
    assert.doesNotThrow(() => requireRoom(folder, 1000, temporary));
    assert.throws(() => requireRoom(folder, 1e18, temporary), {
      code: 'DISK_FULL',
      message: new RegExp(`^Compacting needs 2000000000000 MB free in ${folder}; there are \\d+ MB`),
      hint: /TMPDIR/,
    });
    const nowhere = path.join(temporary, 'nowhere');
    assert.equal(sqliteFolder({ SQLITE_TMPDIR: nowhere, TMPDIR: folder }), folder);
    assert.equal(sqliteFolder({ SQLITE_TMPDIR: temporary, TMPDIR: folder }), temporary);
  });
  const temporaryDirectory = temporaryFolder();
});

describe('compact', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const children: ChildProcess[] = [];
  let data: string;
  let count = 0;

  const record = (seed: number) => imageRecord(seed, DIMENSION);
  const file = (name: string) => path.join(data, 'collections', 'foxes', name);
  const query = (seed: number) => ({ target: 'images' as const, embedding: record(seed).embedding, k: 10 });

  async function open<T>(work: (store: SqliteStore) => Promise<T>): Promise<T> {
    const store = await openStore({ data, name: 'foxes', create: modelOf(DIMENSION), exactBelow: 0 });
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }

  /** Runs lines in another process that has the store open, until it is killed. */
  async function elsewhere(lines: string): Promise<ChildProcess> {
    const script = `
      import { openStore } from ${JSON.stringify(STORE)};
      const store = await openStore({ data: ${JSON.stringify(data)}, name: 'foxes', exactBelow: 0 });
      setInterval(() => {}, 1000);
      ${lines}`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    children.push(child);
    await once(child.stdout, 'data');
    return child;
  }

  /** Of many images only a few are left. */
  beforeEach(async () => {
    data = path.join(temporary.path, String(count++));
    await open(async (store) => {
      const ids: number[] = [];
      for (let from = 0; from < IMAGES; from += 100) {
        const images = Array.from({ length: 100 }, (_, i) => record(from + i));
        ids.push(...(await upsertTo(store, { path: '/pictures', images })));
      }
      await store.flush();
      await store.remove(ids.slice(60));
      await store.flush();
    });
  });
  afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

  it('refuses while another process writes', async () => {
    await elsewhere(
      `await store.addSource({ path: '/x', root: '/x', format: 'folder', options: {} }); console.log(1);`,
    );
    await open((store) => assert.rejects(store.compact(), { code: 'COLLECTION_BUSY' }));
  });

  it('takes thumbnails of removed images away, as remove does', async () => {
    await open(async (store) => {
      const kept = await store.scan({ after: 0, limit: 60 });
      const nameOf = (contentHash: string) => `${contentHash}-320.webp`;
      const names = [...kept.map(({ contentHash }) => nameOf(contentHash)), nameOf('f'.repeat(64)), 'x.partial'];
      mkdirSync(file('thumbnails'));
      for (const name of names) writeFileSync(path.join(file('thumbnails'), name), '');
      await store.remove([kept[0].imageId]);
      assert.deepEqual(readdirSync(file('thumbnails')).sort(), names.slice(1).sort());
      await store.compact();
      assert.deepEqual(readdirSync(file('thumbnails')).sort(), [...names.slice(1, 60), 'x.partial'].sort());
    });
  });

  it('gives room back, and changes nothing that is found, also by who has the collection open meanwhile', async () => {
    writeFileSync(file('images.hnsw.new'), 'half');
    await open(async (reader) => {
      const found = await neighborsOf(reader, query(30));
      const scanned = await reader.scan({ after: 0, limit: 1000 });
      const { before, after } = await open((store) => store.compact());
      assert.ok(after.catalog < 0.7 * before.catalog, `${after.catalog} of ${before.catalog}`);
      assert.ok(!existsSync(file('images.hnsw.new')));
      assert.deepEqual(await neighborsOf(reader, query(30)), found);
      assert.deepEqual(await reader.scan({ after: 0, limit: 1000 }), scanned);
      await upsertTo(reader, { path: '/pictures', images: [record(1000)] });
      assert.equal((await neighborsOf(reader, query(1000)))[0].id, IMAGES + 1, 'ids are not given out again');
    });
    assert.deepEqual(
      (await open((store) => store.verify())).checks.filter(({ failed }) => failed > 0),
      [],
    );
  });

  it('takes out of the graphs what is only marked as deleted', async () => {
    const inGraph = () =>
      (JSON.parse(readFileSync(file('manifest.json'), 'utf8')) as { images: { count: number } }).images.count;
    await open(async (store) => {
      await store.remove([3, 4, 5]); // Too few for the graph to be built anew by itself.
      await store.flush();
      assert.ok(inGraph() >= 60);
      const { before, after } = await store.compact();
      assert.equal(inGraph(), 57);
      assert.ok(after.vectors < before.vectors);
      assert.equal((await neighborsOf(store, query(30))).length, 10);
      await upsertTo(store, { path: '/pictures', images: [record(1000)] });
      await store.flush();
      assert.equal((await neighborsOf(store, query(1000)))[0].id, IMAGES + 1);
    });
  });

  it('forgets model inputs of what is gone and of other sizes, and keeps the others', async () => {
    const cache = new Database(file('inputs.sqlite'));
    cache.exec("UPDATE inputs SET input_size = '9/9' WHERE id = 1");
    cache.exec(
      "INSERT INTO inputs (content_hash, input_size, width, height, pixels) VALUES ('gone', '4/2', 1, 1, x'000000')",
    );
    cache.close();
    await open(async (store) => {
      await store.compact();
      const inputs = await store.getModelInputs(Array.from({ length: 60 }, (_, i) => i + 1));
      assert.deepEqual(
        inputs.map((input) => input !== null),
        inputs.map((_, i) => i > 0),
      );
    });
    const left = new Database(file('inputs.sqlite'), { readonly: true });
    assert.equal(left.prepare('SELECT count(*) FROM inputs').pluck().get(), 59);
    left.close();
  });

  it('keeps the model inputs of a reindex that is not finished', async () => {
    await open(async (store) => {
      await store.beginReindex({ ...modelOf(8), hash: 'c'.repeat(64), inputSize: '2/2' });
      await store.putReembeddings([
        { imageId: 1, embedding: null, captions: [], modelInput: { width: 1, height: 1, pixels: new Uint8Array(3) } },
      ]);
    });
    await open((store) => store.compact());
    await open(async (store) => {
      await store.beginReindex({ ...modelOf(8), hash: 'c'.repeat(64), inputSize: '2/2' });
      const [image] = await store.pendingImages({ after: 0, limit: 1 });
      assert.deepEqual(image.modelInput, { width: 1, height: 1, pixels: new Uint8Array(3) });
    });
  });

  it(`harms nothing where it is killed, ${KILLS} times`, async () => {
    const random = seededRandom(5);
    const before = await open((store) => store.scan({ after: 0, limit: 1000 }));
    for (let kill = 0; kill < KILLS; kill++) {
      const compacting = await elsewhere(`console.log(1); for (;;) {
        await store.compact();
        (await import('node:fs')).rmSync(${JSON.stringify(file('manifest.json'))}, { force: true });
        await store.flush();
      }`);
      await sleep(250 * random());
      compacting.kill('SIGKILL');
      await once(compacting, 'exit');
      const { checks, passed } = await open((store) => store.verify());
      assert.ok(passed, JSON.stringify(checks.filter(({ failed }) => failed > 0)));
      assert.deepEqual(await open((store) => store.scan({ after: 0, limit: 1000 })), before);
    }
  });
});
