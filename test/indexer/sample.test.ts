import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { Progress } from '../../indexer/progress.js';
import { ensureSample, SAMPLE_COLLECTION } from '../../indexer/sample.js';
import { openEngine } from '../../src/engine.js';
import { BUNDLED_SAMPLE } from '../../src/paths.js';
import type { ImageHit } from '../../src/search.js';
import { openStore, type StoreOptions } from '../../src/store/sqlite/store.js';
import type { Store } from '../../src/store/store.js';
import { imageRecord, modelOf, upsertTo } from '../src/store/records.js';
import { fixture, temporaryFolder } from '../fixture.js';

interface SampleImage {
  filepath: string;
  filename: string;
}

async function withStore<R>(options: StoreOptions, work: (store: Store) => Promise<R>): Promise<R> {
  const store = await openStore(options);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Pictures of the sample here. That the whole of it is made, a browser sees in page.test.ts. */
const PICTURES = 40;

describe('ensureSample', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  let source: string;

  before(() => {
    const folder = path.join(temporary.path, 'data', 'sample');
    source = path.join(folder, path.basename(BUNDLED_SAMPLE));
    const dataset = JSON.parse(readFileSync(BUNDLED_SAMPLE, 'utf8')) as { images: SampleImage[] };
    const images = dataset.images.slice(0, PICTURES);
    for (const { filepath, filename } of images) {
      mkdirSync(path.join(folder, filepath), { recursive: true });
      copyFileSync(path.join(path.dirname(BUNDLED_SAMPLE), filepath, filename), path.join(folder, filepath, filename));
    }
    writeFileSync(source, JSON.stringify({ ...dataset, images }));
  });

  it('makes the sample once, and then only looks', async () => {
    const data = path.join(temporary.path, 'collections');
    const states: Progress[] = [];
    await ensureSample({ data, source, onProgress: (state) => states.push(state) });
    assert.deepEqual(states.at(-1), { done: PICTURES, total: PICTURES });

    await ensureSample({ data, source, onProgress: () => assert.fail('there was nothing to do') });

    const where = { data, name: SAMPLE_COLLECTION };
    const [registered] = await withStore(where, (store) => store.sources());
    const moveAway = (store: Store) =>
      store.moveSource({
        ...registered,
        path: '/an/earlier/clone/data/sample/dataset.json',
        root: '/an/earlier/clone/data/sample',
      });
    await withStore(where, moveAway);
    await ensureSample({ data, source, onProgress: () => assert.fail('the pictures are the same') });
    assert.deepEqual(await withStore(where, (store) => store.sources()), [registered]);

    const engine = await openEngine({ collection: SAMPLE_COLLECTION, data });
    try {
      const { images, captions } = await engine.info();
      assert.deepEqual({ images, captions }, { images: PICTURES, captions: 5 * PICTURES });
      const [stored] = await engine.store.getImages([PICTURES / 2]);
      const { hits } = await engine.search({ text: stored.captions[0] }).final();
      assert.ok((hits as ImageHit[]).some(({ file }) => file === stored.file));
    } finally {
      await engine.close();
    }
  });

  /** As another version of Patchword would have left a collection: bound to its own bundled model. */
  function bindElsewhere(data: string, columns: string): void {
    const database = new Database(path.join(data, 'collections', SAMPLE_COLLECTION, 'catalog.sqlite'));
    database.exec(`UPDATE meta SET ${columns}`);
    database.close();
  }

  it('embeds the sample anew where it was made with the bundled model of another version', async () => {
    const data = path.join(temporary.path, 'collections');
    const where = { data, name: SAMPLE_COLLECTION };
    const { model } = await withStore(where, (store) => store.info());
    const before = await withStore(where, (store) => store.scan({ after: 0, limit: 1000 }));
    await withStore(where, async (store) => {
      const [{ sourceId }] = await store.sources();
      const gone = '/an/earlier/version/data/sample';
      await store.moveSource({ sourceId, path: `${gone}/dataset.json`, root: gone });
    });
    bindElsewhere(data, `model_hash = '${'0'.repeat(64)}', prefilter_hash = '${'1'.repeat(64)}'`);
    await assert.rejects(openEngine({ collection: SAMPLE_COLLECTION, data }), {
      code: 'MODEL_MISMATCH',
      message: /another version of Patchword/,
      hint: /patchword reindex sample$/,
    });

    const states: { done: number; total: number | null }[] = [];
    const notes: string[] = [];
    await ensureSample({ data, source, onProgress: (state) => states.push(state), onNote: (line) => notes.push(line) });
    assert.deepEqual(states.at(-1), { done: PICTURES, total: PICTURES });
    assert.match(notes.join(), /embedding it anew/);
    assert.deepEqual((await withStore(where, (store) => store.info())).model, model);
    assert.deepEqual(await withStore(where, (store) => store.scan({ after: 0, limit: 1000 })), before);
    await ensureSample({ data, source, onProgress: () => assert.fail('there is nothing left to do') });
  });

  it('does not make pictures of somebody’s own unsearchable because their folder is away', async () => {
    const where = { data: path.join(temporary.path, 'away'), name: SAMPLE_COLLECTION };
    const add = (store: Store) => upsertTo(store, { path: '/gone/photos', images: [imageRecord(1, 8)] });
    await withStore({ ...where, create: modelOf(8), inputCacheBytes: 0 }, add);
    bindElsewhere(where.data, "model_path = 'bundled'");
    await assert.rejects(ensureSample({ data: where.data }), { code: 'FILE_NOT_FOUND', message: /gone.photos/ });
    assert.equal((await withStore(where, (store) => store.getImages([1])))[0].searchable, true);
  });

  it('leaves pictures that are not those of the sample where they were', async () => {
    const where = { data: path.join(temporary.path, 'own'), name: SAMPLE_COLLECTION };
    const image = imageRecord(1, 8);
    const root = '/gone/photos';
    const add = (store: Store) => upsertTo(store, { path: root, images: [image] });
    await withStore({ ...where, create: modelOf(8) }, add);
    await ensureSample({ data: where.data, onProgress: () => assert.fail('it is of another model') });
    assert.deepEqual(await withStore(where, (store) => store.sources()), [
      { sourceId: 1, path: root, root, format: 'folder', options: {}, files: 1 },
    ]);
  });

  it('fails where a collection of that name cannot be read, rather than making another', async () => {
    const data = path.join(temporary.path, 'damaged');
    const folder = path.join(data, 'collections', SAMPLE_COLLECTION);
    mkdirSync(folder, { recursive: true });
    copyFileSync(fixture('preprocess', 'square_384.png'), path.join(folder, 'catalog.sqlite'));
    await assert.rejects(ensureSample({ data }), { code: 'COLLECTION_DAMAGED' });
  });
});
