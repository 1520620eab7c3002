import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import type { Store } from '../../../../src/store/store.js';
import { openStore, type StoreOptions } from '../../../../src/store/sqlite/store.js';
import { temporaryFolder } from '../../../fixture.js';
import { imageRecord, modelOf, neighborsOf, scanSource, seededRandom, upsertTo } from '../records.js';

const DIMENSION = 16;
const ROOT = '/pictures';
const BATCH = 8;
const PROCESS = fileURLToPath(new URL('./process.js', import.meta.url));
const NOBODY = { uid: 65534, gid: 65534 };

const record = (seed: number) => imageRecord(seed, DIMENSION);

describe('collection', () => {
  const data = temporaryFolder();
  const stores: Store[] = [];
  const children: ChildProcessWithoutNullStreams[] = [];

  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await Promise.all(stores.splice(0).map((store) => store.close()));
  });

  const open = async (name: string, options: Partial<StoreOptions> = {}) => {
    const store = await openStore({ data: data.path, name, create: modelOf(DIMENSION), ...options });
    stores.push(store);
    return store;
  };
  const folderOf = (name: string) => path.join(data.path, 'collections', name);
  const nearestTo = (store: Store, seed: number, k = 1) =>
    neighborsOf(store, { target: 'images', embedding: record(seed).embedding, k });

  function start(task: string, name: string, from = 0) {
    const child = spawn(process.execPath, [PROCESS, task, data.path, name, String(DIMENSION), String(from)]);
    children.push(child);
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += String(text)));
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    return {
      child,
      next: async () => {
        const line = (await lines.next()) as IteratorResult<string, undefined>;
        assert.ok(!line.done, stderr);
        return line.value;
      },
    };
  }

  describe('with several processes', () => {
    it('lets one write and the others read; what it writes is found by all', async () => {
      const store = await open('shared', { exactBelow: 0 });
      const [first] = await upsertTo(store, { path: ROOT, images: [record(1000)] });
      await store.flush();
      const writer = start('hold', 'shared');
      assert.equal(await writer.next(), 'written');
      assert.equal((await store.info()).images, 1 + BATCH);
      const [found] = await nearestTo(store, 3);
      assert.ok(Math.abs(found.similarity - 1) < 1e-6, 'the reader finds a vector of the writer');
      assert.notEqual(found.id, first);

      const refused = upsertTo(store, { path: ROOT, images: [record(1001)] });
      await assert.rejects(refused, { code: 'COLLECTION_BUSY', message: /Another process/ });
      assert.equal((await nearestTo(store, 5, 99)).length, 1 + BATCH, 'and goes on reading');

      writer.child.stdin.write('flush\n');
      assert.equal(await writer.next(), 'flushed');
      await upsertTo(store, { path: ROOT, images: [record(1001)] });
      writer.child.stdin.write('close\n');
      const [code] = (await once(writer.child, 'exit')) as [number];
      assert.equal(code, 0);
      assert.equal((await nearestTo(store, 1001, 99)).length, 2 + BATCH);
    });

    it('frees the collection when the writing process is killed', async () => {
      const store = await open('freed');
      const writer = start('hold', 'freed');
      assert.equal(await writer.next(), 'written');
      await assert.rejects(upsertTo(store, { path: ROOT, images: [record(50)] }), { code: 'COLLECTION_BUSY' });
      writer.child.kill('SIGKILL');
      await once(writer.child, 'exit');
      await upsertTo(store, { path: ROOT, images: [record(50)] });
      assert.equal((await store.info()).images, BATCH + 1);
    });

    it('refuses a second writer in the same process too', async () => {
      const [one, other] = [await open('twice'), await open('twice')];
      await upsertTo(one, { path: ROOT, images: [record(1)] });
      await assert.rejects(upsertTo(other, { path: ROOT, images: [record(2)] }), { code: 'COLLECTION_BUSY' });
      await one.close();
      await upsertTo(other, { path: ROOT, images: [record(2)] });
      assert.equal((await other.info()).images, 2);
    });
  });

  it('loses no image that was acknowledged, and no part of a batch, when it is killed', async function () {
    this.timeout(60_000);
    const random = seededRandom(11);
    const acknowledged = new Set<number>();
    for (let round = 0, from = 0; round < 6; round++) {
      const writer = start('write', 'killed', from);
      acknowledged.add(Number(await writer.next()));
      const reading = (async () => {
        for (;;) acknowledged.add(Number(await writer.next()));
      })().catch(() => {});
      await sleep(random() * 150);
      writer.child.kill('SIGKILL');
      await once(writer.child, 'close');
      await reading;

      const notes: string[] = [];
      const store = await open('killed', { exactBelow: 0, onNote: (line) => notes.push(line) });
      const images = await scanSource(store, { path: ROOT });
      const batches = new Map<number, number>();
      for (const { file, captions } of images) {
        assert.equal(captions.length, 2);
        const index = Math.floor(Number(path.parse(file).name) / BATCH);
        batches.set(index, (batches.get(index) ?? 0) + 1);
      }
      for (const index of acknowledged) assert.equal(batches.get(index), BATCH, `batch ${index} was acknowledged`);
      for (const [index, count] of batches) assert.equal(count, BATCH, `batch ${index} is whole`);
      for (const { imageId, file } of images) {
        const seed = Number(path.parse(file).name);
        assert.equal((await nearestTo(store, seed))[0].id, imageId);
      }
      await store.flush();
      await store.close();
      const entries = readdirSync(folderOf('killed'));
      assert.deepEqual(
        entries.filter((entry) => entry.endsWith('.new')),
        [],
        'nothing half written is left',
      );
      from = Math.max(...batches.keys()) + 1;
    }
    assert.ok(acknowledged.size > 6);
  });

  it('is read, not written, where the folder is read-only', async function () {
    const root = process.getuid?.() === 0;
    if (process.platform === 'win32') this.skip();
    const readable = ['-e', `require('node:fs').readFileSync(${JSON.stringify(PROCESS)})`];
    if (root && spawnSync(process.execPath, readable, NOBODY).status !== 0) this.skip(); // Only this user reads the sources.

    chmodSync(data.path, 0o755);
    const killed = (name: string) =>
      spawnSync(process.execPath, ['-e', openAndDie(path.join(folderOf(name), 'catalog.sqlite'))]);
    const endings: Record<string, (name: string, store: Store) => Promise<unknown>> = {
      closed: (_, store) => store.close(),
      killed: async (name, store) => (await store.close(), killed(name)),
      'left in WAL mode': async (name, store) => {
        await store.close();
        const database = new Database(path.join(folderOf(name), 'catalog.sqlite'));
        database.pragma('journal_mode = WAL');
        database.close();
      },
    };
    for (const [ending, end] of Object.entries(endings)) {
      const name = `read-only-${ending.replaceAll(' ', '-')}`;
      const store = await open(name, { exactBelow: 0 });
      const images = [0, 1, 2, 3].map(record);
      const ids = await upsertTo(store, { path: ROOT, images });
      await store.flush();
      await end(name, store);
      const folder = folderOf(name);
      for (const entry of readdirSync(folder)) chmodSync(path.join(folder, entry), 0o444);
      chmodSync(folder, 0o555);
      const args = [PROCESS, 'read', data.path, name, String(DIMENSION), '0'];
      const child = spawnSync(process.execPath, args, { ...(root ? NOBODY : {}), timeout: 20_000 });
      chmodSync(folder, 0o755);
      assert.equal(child.status, 0, `${ending}: ${child.stderr.toString()}`);
      const { message, ...result } = JSON.parse(child.stdout.toString()) as { message: string };
      assert.deepEqual(
        result,
        { images: 4, nearest: ids[1], filtered: 2, worded: 2, cached: true, code: 'READ_ONLY' },
        ending,
      );
      assert.match(message, /cannot be written/);
    }
  });

  it('says when the disk is full, keeps what was acknowledged, and goes on when there is room again', async function () {
    const disk = path.join(data.path, 'disk');
    mkdirSync(disk);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'none', disk]);
    if (mounted.status !== 0) this.skip(); // Only a superuser makes a small disk.
    try {
      const ballast = path.join(disk, 'ballast');
      writeFileSync(ballast, new Uint8Array(1_500_000));
      const notes: string[] = [];
      const store = await open('full', { data: disk, exactBelow: 0, onNote: (line) => notes.push(line) });
      let acknowledged = 0;
      const fill = async () => {
        for (; acknowledged < 1e5; acknowledged++) {
          const image = record(acknowledged);
          const caption = { text: 'x'.repeat(20_000), embedding: image.embedding };
          const modelInput =
            acknowledged === 0 ? { width: 1000, height: 1000, pixels: new Uint8Array(3e6) } : image.modelInput;
          await upsertTo(store, { path: ROOT, images: [{ ...image, captions: [caption], modelInput }] });
        }
      };
      await assert.rejects(fill(), { code: 'DISK_FULL', message: /No space/ });
      assert.ok(acknowledged > 0);
      assert.match(notes.join('\n'), /cache of model inputs.*passed over/, 'the cache gave way, not the upsert');
      assert.equal((await store.info()).images, acknowledged);
      assert.equal((await nearestTo(store, acknowledged - 1, 1)).length, 1);

      rmSync(ballast);
      const before = acknowledged;
      await assert.rejects(fill(), { code: 'DISK_FULL' });
      assert.ok(acknowledged > before);
      await store.close();
      const again = await open('full', { data: disk });
      assert.equal((await again.info()).images, acknowledged);
      await again.close();
    } finally {
      spawnSync('umount', ['-l', disk]);
    }
  });

  it('makes nothing where it may not or cannot', async () => {
    const file = path.join(data.path, 'a-file');
    writeFileSync(file, '');
    await assert.rejects(open('x', { data: file }), { code: 'FILE_NOT_FOUND' });
    assert.ok(!existsSync(folderOf('x')));
  });
});

/** Writes to a database in WAL mode and dies without closing it, which leaves its WAL behind. */
function openAndDie(file: string): string {
  return `
    const database = new (require('better-sqlite3'))(${JSON.stringify(file)});
    database.pragma('journal_mode = WAL');
    database.exec('UPDATE meta SET revision = revision + 1');
    process.kill(process.pid, 'SIGKILL');`;
}
