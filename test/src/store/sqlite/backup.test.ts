import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { openStore, type SqliteStore } from '../../../../src/store/sqlite/store.js';
import { temporaryFolder } from '../../../fixture.js';
import { imageRecord, modelOf, upsertTo } from '../records.js';

const DIMENSION = 16;
const PROCESS = fileURLToPath(new URL('./process.js', import.meta.url));

describe('backup', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  const children: ChildProcess[] = [];
  const stores: SqliteStore[] = [];

  afterEach(async () => {
    children.splice(0).forEach((child) => child.kill('SIGKILL'));
    await Promise.all(stores.splice(0).map((store) => store.close()));
  });

  async function open(name: string): Promise<SqliteStore> {
    const store = await openStore({ data: at('data'), name, create: modelOf(DIMENSION) });
    stores.push(store);
    return store;
  }

  it('refuses a file that is there, also an empty one, and a folder that is not', async () => {
    const store = await open('refused');
    writeFileSync(at('empty'), '');
    await assert.rejects(store.backup(at('empty')), { code: 'INVALID_ARGUMENT' });
    await assert.rejects(store.backup(at('none', 'x')), { name: 'PatchwordError' });
    assert.equal(readFileSync(at('empty'), 'utf8'), '');
  });

  it('is refused by a catalog that is damaged', async () => {
    const images = Array.from({ length: 200 }, (_, i) => imageRecord(i, DIMENSION));
    await upsertTo(await open('damaged'), { path: '/pictures', images });
    await Promise.all(stores.splice(0).map((store) => store.close()));
    const file = at('data', 'collections', 'damaged', 'catalog.sqlite');
    const bytes = readFileSync(file);
    bytes.fill(0x5a, bytes.length / 2);
    writeFileSync(file, bytes);
    await assert.rejects((await open('damaged')).backup(at('damaged.sqlite')), { code: 'COLLECTION_DAMAGED' });
  });

  it('is whole while another process writes, batch after batch, and does not hold it up', async () => {
    const reader = await open('busy');
    const child = spawn(process.execPath, [PROCESS, 'write', at('data'), 'busy', String(DIMENSION), '0']);
    children.push(child);
    let acknowledged = 0;
    child.stdout.on('data', (text) => (acknowledged += String(text).trim().split('\n').length));
    await once(child.stdout, 'data');
    for (let i = 0; i < 5; i++) {
      const before = acknowledged;
      const copy = await reader.backup(at(`busy-${i}.sqlite`));
      const database = new Database(at(`busy-${i}.sqlite`), { readonly: true });
      const images = database.prepare('SELECT count(*) FROM images').pluck().get() as number;
      assert.equal(images, copy.images);
      assert.equal(images % 8, 0, 'whole batches');
      assert.ok(images >= before * 8, 'all that was acknowledged before');
      assert.equal(database.prepare('SELECT images FROM meta').pluck().get(), images);
      assert.equal(database.pragma('integrity_check', { simple: true }), 'ok');
      database.close();
    }
    const then = acknowledged;
    while (acknowledged === then) await once(child.stdout, 'data');
  });

  it('is made by who may only read the collection, who can verify it too', async function () {
    const root = process.getuid?.() === 0;
    const nobody = root ? { uid: 65534, gid: 65534 } : {};
    const store = fileURLToPath(new URL('../../../../src/store/sqlite/store.js', import.meta.url));
    const readable = ['-e', `require('node:fs').readFileSync(${JSON.stringify(store)})`];
    if (process.platform === 'win32' || spawnSync(process.execPath, readable, nobody).status !== 0) this.skip();

    await upsertTo(await open('locked'), { path: '/pictures', images: [imageRecord(1, DIMENSION)] });
    await Promise.all(stores.splice(0).map((one) => one.close()));
    const folder = at('data', 'collections', 'locked');
    mkdirSync(at('theirs'));
    for (const [place, mode] of Object.entries({ [temporary.path]: 0o755, [at('theirs')]: 0o777, [folder]: 0o555 })) {
      chmodSync(place, mode);
    }
    const script = `
      import { openStore } from ${JSON.stringify(store)};
      const store = await openStore({ data: ${JSON.stringify(at('data'))}, name: 'locked' });
      const { images } = await store.backup(${JSON.stringify(at('theirs', 'copy.sqlite'))});
      const { checks, passed } = await store.verify();
      console.log(JSON.stringify({ images, passed, failed: checks.filter(({ failed }) => failed > 0) }));
      await store.close();`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { ...nobody, timeout: 20_000 });
    chmodSync(folder, 0o755);
    assert.equal(child.stdout.toString(), '{"images":1,"passed":true,"failed":[]}\n', child.stderr.toString());
  });

  it('is a collection, where it is put in the place of one', async () => {
    const store = await open('first');
    const ids = await upsertTo(store, {
      path: '/pictures',
      images: [imageRecord(1, DIMENSION), imageRecord(2, DIMENSION)],
    });
    const before = await store.getImages(ids);
    mkdirSync(at('data', 'collections', 'second'), { recursive: true });
    const file = at('data', 'collections', 'second', 'catalog.sqlite');
    const { bytes } = await store.backup(file);
    assert.equal(bytes, readFileSync(file).length);
    const second = await open('second');
    assert.deepEqual(await second.getImages(ids), before);
    assert.deepEqual(
      (await second.verify()).checks.filter(({ failed }) => failed > 0),
      [],
    );
    assert.ok(existsSync(at('data', 'collections', 'first', 'catalog.sqlite')));
  });
});
