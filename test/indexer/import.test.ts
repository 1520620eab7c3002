import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { backupCollection } from '../../indexer/backup.js';
import { exportCollection } from '../../indexer/export.js';
import { importCollection, type ImportOptions } from '../../indexer/import.js';
import { ingest } from '../../indexer/ingestion.js';
import { TarWriter } from '../../indexer/tar.js';
import { openEngine } from '../../src/engine.js';
import { startPatchword } from '../command.js';
import { inspectCollections, renameCollection } from '../../src/store/sqlite/collections.js';
import { listCollections } from '../../src/store/sqlite/folders.js';
import { openStore, type SqliteStore } from '../../src/store/sqlite/store.js';
import { temporaryFolder } from '../fixture.js';
import { samplePicture } from '../server/collection.js';
import { writeReversedModel } from './models.js';

const PICTURES = 8;

describe('importCollection', function () {
  this.timeout(120_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  const data = () => at('data');
  const leftovers = () => readdirSync(at('data', 'collections')).filter((name) => name.startsWith('.'));
  let captions: string[];

  async function withStore<R>(name: string, work: (store: SqliteStore) => Promise<R>): Promise<R> {
    const store = await openStore({ data: data(), name, warm: false });
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }

  const run = (from: string, name: string, options: Partial<ImportOptions> = {}) =>
    importCollection({ from, name, data: data(), ...options });
  const backup = (name: string, target: string) => withStore(name, (store) => backupCollection({ store, target }));
  const scan = (name: string) => withStore(name, (store) => store.scan({ after: 0, limit: 1000 }));

  async function find(collection: string): Promise<number[]> {
    const engine = await openEngine({ collection, data: data() });
    try {
      return (await engine.search({ text: captions[0], k: 4 }).final()).hits.map(({ imageId }) => imageId);
    } finally {
      await engine.close();
    }
  }

  before(async () => {
    mkdirSync(at('source'));
    for (let i = 0; i < PICTURES; i++) {
      const sample = await samplePicture(i);
      if (i === 2) captions = sample.captions;
      copyFileSync(sample.file, at('source', `${i}.jpg`));
      writeFileSync(at('source', `${i}.txt`), sample.captions.join('\n'));
    }
    const engine = await openEngine({ collection: 'first', data: data(), create: true });
    await ingest({ engine, source: at('source') });
    await engine.close();
    for (const out of [at('export'), at('export.tar')])
      await withStore('first', (store) => exportCollection({ store, out }));
    await run(at('export.tar'), 'unpacked');
    for (const target of [at('backup'), at('backup.tar')]) await backup('unpacked', target);
  });

  afterEach(() => assert.deepEqual(leftovers(), []));

  describe('refuses', () => {
    let taken: string[];
    before(async () => void (taken = await listCollections(data())));
    afterEach(async () => assert.deepEqual(await listCollections(data()), taken));

    it('a name that is taken, or none', async () => {
      for (const from of [at('export'), at('backup.tar')]) {
        await assert.rejects(run(from, 'first'), { code: 'INVALID_ARGUMENT', message: /"first" already/ });
        await assert.rejects(run(from, '../x'), { code: 'INVALID_ARGUMENT' });
      }
    });

    it('what is not there, and what is neither an export nor a backup', async () => {
      await assert.rejects(run(at('none'), 'x'), { code: 'FILE_NOT_FOUND' });
      writeFileSync(at('garbage.tar'), 'garbage'.repeat(500));
      const writer = new TarWriter(at('webdataset.tar'));
      await writer.add({ name: '0.jpg', bytes: readFileSync(at('source', '0.jpg')), modified: 1 });
      await writer.finish();
      for (const from of ['garbage.tar', 'webdataset.tar', 'source']) {
        await assert.rejects(run(at(from), 'x'), { code: 'SOURCE_INVALID', hint: /patchword index/ }, from);
      }
    });

    it('an export whose pictures or list are not there', async () => {
      cpSync(at('export'), at('bare'), { recursive: true });
      rmSync(at('bare', 'images'), { recursive: true });
      await assert.rejects(run(at('bare'), 'x'), { code: 'SOURCE_INVALID' });
      writeFileSync(at('bare', 'dataset.json'), '{"images": [');
      await assert.rejects(run(at('bare'), 'x'), { code: 'SOURCE_INVALID' });
      const writer = new TarWriter(at('listless.tar'));
      await writer.add({ name: 'images/0.jpg', bytes: readFileSync(at('source', '0.jpg')), modified: 1 });
      await writer.finish();
      await assert.rejects(run(at('listless.tar'), 'x'), {
        code: 'SOURCE_INVALID',
        message: `${at('listless.tar')} holds no dataset.json.`,
      });
    });

    it('a tar file that would write elsewhere', async () => {
      const writer = new TarWriter(at('hostile.tar'));
      await writer.add({ name: 'dataset.json', bytes: Buffer.from('{}'), modified: 1 });
      await writer.add({ name: '../../../evil', bytes: Buffer.from('evil'), modified: 1 });
      await writer.finish();
      await assert.rejects(run(at('hostile.tar'), 'x'), { code: 'SOURCE_INVALID', message: /evil/ });
      assert.ok(!existsSync(at('evil')) && !existsSync(at('data', 'evil')));
    });

    it('another model for a backup', async () => {
      const refused = run(at('backup'), 'x', { model: '/some/model' });
      await assert.rejects(refused, { code: 'INVALID_ARGUMENT', hint: /reindex x --model/ });
    });

    const damages: [what: string, harm: (folder: string) => void, message: RegExp][] = [
      ['no catalog', (folder) => rmSync(path.join(folder, 'catalog.sqlite')), /catalog\.sqlite/],
      ['a catalog with a flipped bit', (folder) => flip(path.join(folder, 'catalog.sqlite'), 9000), /checksum/],
      ['a catalog that is cut short', (folder) => writeFileSync(path.join(folder, 'catalog.sqlite'), 'x'), /checksum/],
      ['a manifest that is garbage', (folder) => writeFileSync(path.join(folder, 'backup.json'), '{'), /backup\.json/],
      [
        'a manifest of another layout',
        (folder) => writeFileSync(path.join(folder, 'backup.json'), '{"backup":2}'),
        /backup\.json/,
      ],
      ['a manifest of many bytes', (folder) => truncateSync(path.join(folder, 'backup.json'), 7e7), /bytes/],
      ['a picture that is gone', (folder) => rmSync(firstPicture(folder)), /pictures/],
      ['a picture with a flipped bit', (folder) => flip(firstPicture(folder), 500), /pictures.*changed/],
      [
        'a link for a picture',
        (folder) => {
          const picture = firstPicture(folder);
          rmSync(picture);
          symlinkSync('/etc/passwd', picture);
        },
        /plain file/,
      ],
      ['a catalog with tables of its own', forge, /tables of this version/],
    ];
    for (const [what, harm, message] of damages) {
      it(`a backup with ${what}`, async () => {
        const folder = at('damaged');
        cpSync(at('backup'), folder, { recursive: true });
        try {
          harm(folder);
          await assert.rejects(run(folder, 'x'), (error: { code: string; message: string }) => {
            assert.ok(['SOURCE_INVALID', 'FILE_NOT_FOUND'].includes(error.code), error.code);
            assert.match(error.message, message);
            return true;
          });
        } finally {
          rmSync(folder, { recursive: true });
        }
      });
    }

    it('to go on once it is told to stop', async () => {
      const controller = new AbortController();
      const onProgress = () => controller.abort();
      const stopped = run(at('export'), 'x', { signal: controller.signal, onProgress });
      await assert.rejects(stopped, { code: 'CANCELLED', message: /nothing was imported/, hint: /patchword index/ });
      // Which is no way to go on with anything else: `index` would read a tar file as another source.
      for (const from of ['export.tar', 'backup']) {
        const refused = run(at(from), 'x', { signal: AbortSignal.abort() });
        await assert.rejects(refused, { code: 'CANCELLED', hint: undefined }, from);
      }
    });

    const firstPicture = (folder: string) =>
      path.join(folder, 'imported', 'images', readdirSync(path.join(folder, 'imported', 'images')).sort()[0]);

    function flip(file: string, position: number): void {
      const bytes = readFileSync(file);
      bytes[position] ^= 1;
      writeFileSync(file, bytes);
    }

    /** A catalog that matches its checksum, and brings a trigger along. */
    function forge(folder: string): void {
      const file = path.join(folder, 'catalog.sqlite');
      const database = new Database(file);
      database.exec('CREATE TRIGGER evil AFTER INSERT ON images BEGIN DELETE FROM images; END');
      database.close();
      const bytes = readFileSync(file);
      const manifest = JSON.parse(readFileSync(path.join(folder, 'backup.json'), 'utf8')) as { catalog: object };
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      manifest.catalog = { bytes: bytes.length, sha256 };
      writeFileSync(path.join(folder, 'backup.json'), JSON.stringify(manifest));
    }
  });

  it('indexes an export where its pictures are', async () => {
    const { kind, images, skipped, quarantined } = await run(at('export'), 'beside');
    assert.deepEqual([kind, images, skipped, quarantined], ['export', PICTURES, [], 0]);
    const [image] = await scan('beside');
    assert.equal(image.root, at('export'));
    assert.deepEqual(await find('beside'), await find('first'));
  });

  it('indexes an export with another model', async () => {
    const model = await writeReversedModel(at('model'));
    await run(at('export.tar'), 'other', { model });
    assert.equal(
      await withStore('other', async (store) => (await store.info()).model.path),
      path.join(model, 'model.safetensors'),
    );
  });

  it('unpacks the pictures of a tar file into the collection, which takes them along under any name', async () => {
    renameSync(at('export.tar'), at('away.tar'));
    try {
      await renameCollection({ data: data(), name: 'unpacked', to: 'renamed' });
      const images = await scan('renamed');
      assert.ok(images.every(({ root }) => root === at('data', 'collections', 'renamed', 'imported')));
      await withStore('renamed', (store) => exportCollection({ store, out: at('twice') }));
      assert.equal(readdirSync(at('twice', 'images')).length, PICTURES);
      await renameCollection({ data: data(), name: 'renamed', to: 'unpacked' });
    } finally {
      renameSync(at('away.tar'), at('export.tar'));
    }
  });

  for (const from of ['backup', 'backup.tar']) {
    it(`makes of a ${from} what was backed up: ids, captions, vectors and pictures`, async () => {
      const name = from.replace('.', '-');
      const notes: string[] = [];
      const { kind, images } = await run(at(from), name, { onNote: (line) => notes.push(line) });
      assert.deepEqual({ kind, images, notes }, { kind: 'backup', images: PICTURES, notes: [] });
      const withoutRoot = async (collection: string) =>
        (await scan(collection)).map((image) => ({ ...image, root: '' }));
      assert.deepEqual(await withoutRoot(name), await withoutRoot('unpacked'));
      assert.deepEqual(await find(name), await find('unpacked'));
      const { checks } = await withStore(name, (store) => store.verify());
      assert.deepEqual(
        checks.filter(({ failed }) => failed > 0),
        [],
      );
    });
  }

  it('says where the model of a backup should be, when it is not there', async () => {
    const model = await writeReversedModel(at('moving'));
    await run(at('export'), 'moving', { model });
    await backup('moving', at('moving.backup'));
    rmSync(model, { recursive: true });
    const notes: string[] = [];
    await run(at('moving.backup'), 'moved', { onNote: (line) => notes.push(line) });
    assert.match(notes.join(), /moving/);
    await assert.rejects(openEngine({ collection: 'moved', data: data() }), {
      code: 'MODEL_NOT_FOUND',
      hint: /--model/,
    });
  });

  it('leaves nothing under its name when it is killed, and no leftovers after the next look', async () => {
    const child = startPatchword(['collection', 'import', at('export.tar'), 'killed', '--data', data()]);
    const begun = () => leftovers().some((name) => existsSync(at('data', 'collections', name, 'lock.sqlite')));
    while (!begun()) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok(!(await listCollections(data())).includes('killed'));
    await inspectCollections(data());
  });
});
