import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Store } from '../../../../src/store/store.js';
import { exactNearest, neighborsOf, randomUnit, seededRandom, upsertTo, type WholeRecord } from '../records.js';
import { MODEL, openedStores, record, records, ROOT } from './opened.js';

describe('files of vectors', () => {
  const { data, notes, open, folderOf, fileOf } = openedStores();
  const FILES = ['images.hnsw', 'captions.hnsw', 'manifest.json'];
  const images = new Map<number, WholeRecord>();

  /** What a search of the images finds is what comparing these records finds. */
  async function assertRight(store: Store, images: Map<number, WholeRecord>): Promise<void> {
    const random = seededRandom(5);
    for (const k of [1, 10, 1000]) {
      const embedding = randomUnit(random, MODEL.dimension);
      for (const target of ['images', 'captions'] as const) {
        const found = (await neighborsOf(store, { target, embedding, k })).map(({ similarity }) =>
          similarity.toFixed(5),
        );
        const vectors = [...images.values()].flatMap((image) =>
          target === 'images' ? [image.embedding] : image.captions.map(({ embedding }) => embedding),
        );
        const expected = exactNearest(vectors.entries(), embedding, k);
        assert.deepEqual(
          found,
          expected.map(({ similarity }) => similarity.toFixed(5)),
          target,
        );
      }
    }
  }

  async function make(name: string): Promise<void> {
    const store = await open(name);
    const all = records(0, 50);
    const ids = await upsertTo(store, { path: ROOT, images: all });
    images.clear();
    ids.forEach((id, i) => images.set(id, all[i]));
    await store.flush();
    await store.close();
  }

  it('are there after a flush, and used without a note', async () => {
    await make('used');
    assert.deepEqual(readdirSync(folderOf('used')).sort(), [
      'captions.hnsw',
      'catalog.sqlite',
      'images.hnsw',
      'inputs.sqlite',
      'lock.sqlite',
      'manifest.json',
    ]);
    const manifest = JSON.parse(readFileSync(fileOf('used', 'manifest.json'), 'utf8')) as Record<
      string,
      { count: number }
    >;
    assert.deepEqual([manifest.images.count, manifest.captions.count], [50, 100]);
    await assertRight(await open('used'), images);
    assert.deepEqual(notes, []);
  });

  it('are there after a flush that close came right behind', async () => {
    const store = await open('hurried');
    const { sourceId } = await store.addSource({ path: ROOT, root: ROOT, format: 'folder', options: {} });
    const results = [store.upsert({ sourceId, images: records(0, 50) }), store.flush(), store.close()];
    await Promise.all(results);
    const manifest = JSON.parse(readFileSync(fileOf('hurried', 'manifest.json'), 'utf8')) as Record<
      string,
      { count: number }
    >;
    assert.equal(manifest.captions.count, 100);
  });

  it('are not made for a small collection', async () => {
    const store = await open('small', { exactBelow: 10_000 });
    await upsertTo(store, { path: ROOT, images: records(0, 5) });
    await store.flush();
    assert.ok(FILES.every((file) => !existsSync(fileOf('small', file))));
    assert.deepEqual(notes, []);
  });

  const edit = (file: string, change: (bytes: Buffer) => Uint8Array | void) => {
    const bytes = readFileSync(file);
    writeFileSync(file, change(bytes) ?? bytes);
  };
  const editManifest = (name: string, change: Record<string, unknown>) =>
    edit(fileOf(name, 'manifest.json'), (bytes) =>
      Buffer.from(JSON.stringify({ ...(JSON.parse(bytes.toString()) as object), ...change })),
    );
  const damages: Record<string, (name: string) => void> = {
    'all of them are missing': (name) => FILES.forEach((file) => rmSync(fileOf(name, file))),
    'one is missing': (name) => rmSync(fileOf(name, 'captions.hnsw')),
    'one is short': (name) => truncateSync(fileOf(name, 'images.hnsw'), 1000),
    'one is empty': (name) => truncateSync(fileOf(name, 'images.hnsw')),
    'one has a flipped bit': (name) => edit(fileOf(name, 'images.hnsw'), (bytes) => void (bytes[2000] ^= 1)),
    'one is garbage': (name) => edit(fileOf(name, 'captions.hnsw'), (bytes) => bytes.fill(0xff)),
    'they are swapped': (name) => {
      cpSync(fileOf(name, 'images.hnsw'), fileOf(name, 'captions.hnsw'));
    },
    'the manifest is missing': (name) => rmSync(fileOf(name, 'manifest.json')),
    'the manifest is garbage': (name) => writeFileSync(fileOf(name, 'manifest.json'), '{"version": 1, "images": nu'),
    'the manifest lacks an entry': (name) => editManifest(name, { images: undefined }),
    'an entry is of the wrong type': (name) =>
      editManifest(name, { images: { revision: '1', count: {}, checksum: 7 } }),
    'they are of another model': (name) => editManifest(name, { modelHash: 'c'.repeat(64) }),
    'they are of another prefilter': (name) => editManifest(name, { prefilterHash: 'c'.repeat(64) }),
    'they are of another version': (name) => editManifest(name, { version: 99 }),
  };
  for (const [what, damage] of Object.entries(damages)) {
    it(`are rebuilt with a note when ${what}`, async () => {
      const name = what.replaceAll(' ', '-');
      await make(name);
      damage(name);
      const store = await open(name);
      await assertRight(store, images);
      assert.match(notes[0], /(images|captions)\.hnsw .*: rebuilding it from the catalog \((50|100) vectors\)/);
      await store.flush();
      await store.close();
      notes.length = 0;
      await assertRight(await open(name), images);
      assert.deepEqual(notes, [], 'they are whole again');
    });
  }

  it('that are rebuilt by a reader are saved, without a flush', async () => {
    await make('reader');
    rmSync(fileOf('reader', 'captions.hnsw'));
    const store = await open('reader');
    await assertRight(store, images);
    while (!notes.some((note) => note.includes('are rebuilt'))) await store.info();
    assert.ok(existsSync(fileOf('reader', 'captions.hnsw')), notes.join('; '));
  });

  it('that are older than the catalog are caught up with', async () => {
    await make('older');
    const old = path.join(data.path, 'older-files');
    cpSync(folderOf('older'), old, { recursive: true });
    const store = await open('older');
    const changed = [
      ...records(50, 60),
      record(900, { file: record(3).file }),
      record(5, { captions: record(901).captions }),
    ];
    const ids = await upsertTo(store, { path: ROOT, images: changed });
    ids.forEach((id, i) => images.set(id, changed[i]));
    await store.flush();
    await store.close();
    for (const file of FILES) cpSync(path.join(old, file), fileOf('older', file));
    await assertRight(await open('older'), images);
    assert.deepEqual(notes, []);
  });

  it('that are newer than the catalog are rebuilt', async () => {
    await make('restored');
    const backup = path.join(data.path, 'backup.sqlite');
    cpSync(fileOf('restored', 'catalog.sqlite'), backup);
    const store = await open('restored');
    await upsertTo(store, { path: ROOT, images: records(100, 120) });
    await store.flush();
    await store.close();
    cpSync(backup, fileOf('restored', 'catalog.sqlite'));
    const restored = await open('restored');
    await assertRight(restored, images);
    assert.match(notes[0], /newer than the catalog/);
  });
});
