import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { splitBatch } from '../../../../src/store/limits.js';
import { openStore, type SqliteStore } from '../../../../src/store/sqlite/store.js';
import type { GraphEntry } from '../../../../src/store/sqlite/manifest.js';
import type { Target } from '../../../../src/store/store.js';
import { temporaryFolder } from '../../../fixture.js';
import { clusteredUnits, exactNearest, imageRecord, modelOf, neighborsOf, upsertTo } from '../records.js';

const DIMENSION = 16;
const ROOT = '/pictures';

type Manifest = Record<Target, GraphEntry> & { version: number };

describe('nearest indexes', () => {
  const data = temporaryFolder();
  const stores: SqliteStore[] = [];
  const notes: string[] = [];

  beforeEach(() => void (notes.length = 0));
  afterEach(() => Promise.all(stores.splice(0).map((store) => store.close())));

  const open = async (name: string, exactBelow = 0) => {
    const onNote = (line: string) => void notes.push(line);
    const store = await openStore({ data: data.path, name, create: modelOf(DIMENSION), exactBelow, onNote });
    stores.push(store);
    return store;
  };
  const manifestFile = (name: string) => path.join(data.path, 'collections', name, 'manifest.json');
  const manifestOf = (name: string) => JSON.parse(readFileSync(manifestFile(name), 'utf8')) as Manifest;

  /** Images and captions around some centers; the n-th always the same. */
  const embeddings = clusteredUnits({ seed: 1, count: 6000, dimension: DIMENSION, clusters: 60 });
  const record = (i: number) =>
    imageRecord(i, DIMENSION, {
      embedding: embeddings[2 * i],
      captions: [{ text: `${i}`, embedding: embeddings[2 * i + 1] }],
    });
  async function put(store: SqliteStore, from: number, to: number): Promise<number[]> {
    const ids: number[] = [];
    const records = Array.from({ length: to - from }, (_, i) => record(from + i));
    for (const images of splitBatch(records)) ids.push(...(await upsertTo(store, { path: ROOT, images })));
    return ids;
  }
  async function make(name: string, count: number): Promise<void> {
    const store = await open(name);
    await put(store, 0, count);
    await store.flush();
    await store.close();
  }
  async function until(store: SqliteStore, holds: () => boolean): Promise<void> {
    while (!holds()) await store.info();
  }

  it('measures what a graph finds when it is made, and says it in the manifest', async () => {
    await make('measured', 400);
    for (const target of ['images', 'captions'] as const) {
      const { count, measured } = manifestOf('measured')[target];
      assert.equal(count, 400);
      assert.ok(measured && measured.recall >= 0.99 && measured.recall <= 1 && measured.ef >= 100);
      assert.equal(measured.count, 400);
    }
  });

  it('searches as the manifest says, opened again', async () => {
    await make('kept', 400);
    const manifest = manifestOf('kept');
    manifest.images.measured = { ef: 333, recall: 0.995, count: 400 };
    writeFileSync(manifestFile('kept'), JSON.stringify(manifest));
    const store = await open('kept');
    const { images, captions } = await store.measureRecall();
    assert.deepEqual({ ...images, recall: 1 }, { recall: 1, ef: 333, vectors: 400, exact: false });
    assert.ok(images.recall! >= 0.99);
    assert.equal(captions.ef, manifest.captions.measured?.ef);
  });

  it('measures anew what has grown by half', async () => {
    await make('grown', 400);
    const store = await open('grown');
    await put(store, 400, 500);
    await store.flush();
    assert.equal(manifestOf('grown').images.measured?.count, 400);
    await put(store, 500, 700);
    await store.flush();
    assert.equal(manifestOf('grown').images.measured?.count, 700);
  });

  const unmeasured: Record<string, (manifest: Manifest) => unknown> = {
    'of the version before': ({ images, captions, ...rest }) => {
      const before = ({ measured: _, ...entry }: GraphEntry) => entry;
      return { ...rest, version: 1, images: before(images), captions: before(captions) };
    },
    'with an ef that is none': ({ images, ...rest }) => ({
      ...rest,
      images: { ...images, measured: { ef: '12; --', recall: 1, count: 1 } },
    }),
    'with an ef without bounds': ({ images, ...rest }) => ({
      ...rest,
      images: { ...images, measured: { ef: 1e9, recall: 1, count: 400 } },
    }),
  };
  for (const [what, change] of Object.entries(unmeasured)) {
    it(`measures what it can use of a manifest ${what}, without a note`, async () => {
      const name = what.replaceAll(' ', '-');
      await make(name, 400);
      const before = manifestOf(name);
      writeFileSync(manifestFile(name), JSON.stringify(change(before)));
      const store = await open(name);
      assert.equal((await neighborsOf(store, { target: 'images', embedding: embeddings[0], k: 10 })).length, 10);
      await until(store, () => manifestOf(name).images.measured?.ef === before.images.measured?.ef);
      const after = manifestOf(name);
      assert.equal(after.version, 2);
      assert.equal(after.images.checksum, before.images.checksum, 'the file itself is as it was');
      assert.deepEqual(notes, []);
    });
  }

  it('measures searches as exact where there is no graph', async () => {
    const store = await open('exact', 10_000);
    await put(store, 0, 30);
    const exact = { recall: 1, ef: null, vectors: 30, exact: true };
    assert.deepEqual(await store.measureRecall(), { images: exact, captions: exact });
    assert.deepEqual(
      await (await open('none')).measureRecall(),
      Object.fromEntries(['images', 'captions'].map((target) => [target, { ...exact, vectors: 0 }])),
    );
  });

  it('searches right while 30 % are deleted and the graph is built anew, and saves that', async function () {
    this.timeout(120_000);
    const [count, batch] = [2000, 60];
    await make('deleted', count);
    const store = await open('deleted');
    const ids = await put(store, 0, 1); // Nothing new: it gives the id of the first.
    const imageIds = Array.from({ length: count }, (_, i) => ids[0] + i);
    const left = new Map(imageIds.map((id, i) => [id, embeddings[2 * i]]));
    const queries = clusteredUnits({ seed: 2, count: 20, dimension: DIMENSION, clusters: 60 });
    let [hits, wanted, searches] = [0, 0, 0];

    async function search(): Promise<void> {
      const embedding = queries[searches++ % queries.length];
      for (const k of [10, 100]) {
        const found = (await neighborsOf(store, { target: 'images', embedding, k })).map(({ id }) => id);
        assert.equal(found.length, k);
        assert.ok(
          found.every((id) => left.has(id)),
          'none that was removed',
        );
        const right = new Set(exactNearest(left, embedding, k).map(({ id }) => id));
        hits += found.filter((id) => right.has(id)).length;
        wanted += k;
      }
    }
    const gone = imageIds.filter((_, i) => i % 10 < 3);
    for (let at = 0; at < gone.length; at += batch) {
      const removed = gone.slice(at, at + batch);
      await store.remove(removed);
      for (const id of removed) left.delete(id);
      await search();
    }
    // A rebuild may be whole before the last are removed: then those are too few for another.
    const isRebuilt = (held: number) => held < count && left.size >= 0.8 * held;
    const rebuilt = () => isRebuilt(manifestOf('deleted').images.count);
    while (!rebuilt() || searches < 40) await search();
    await search();
    assert.ok(hits / wanted >= 0.98, `recall ${hits / wanted}`);
    await until(store, () => isRebuilt(manifestOf('deleted').captions.count));
    const { measured } = manifestOf('deleted').images;
    assert.ok(measured && measured.count < count, 'the new graph is measured');
    assert.deepEqual(notes, []);
  });
});
