import assert from 'node:assert/strict';
import path from 'node:path';
import { openDatabase } from '../../../../src/store/sqlite/database.js';
import { CATALOG_STEPS } from '../../../../src/store/sqlite/schema.js';
import { openStore } from '../../../../src/store/sqlite/store.js';
import type { Store } from '../../../../src/store/store.js';
import { temporaryFolder } from '../../../fixture.js';
import { assertWhole } from './invariants.js';
import { imageRecord, modelOf, neighborsOf, upsertTo, type WholeRecord } from '../records.js';
import { makeOldCatalog, type OldImage } from './old.js';

const DIMENSION = 16;
const MODEL = modelOf(DIMENSION);

const record = (seed: number, changes: Partial<WholeRecord> = {}) => imageRecord(seed, DIMENSION, changes);

describe('steps of the catalog', () => {
  const data = temporaryFolder();
  const stores: Store[] = [];
  afterEach(() => Promise.all(stores.splice(0).map((store) => store.close())));

  const fileOf = (name: string) => path.join(data.path, 'collections', name, 'catalog.sqlite');
  const open = async (name: string, exactBelow = 0) => {
    const store = await openStore({ data: data.path, name, exactBelow });
    stores.push(store);
    return store;
  };

  const makeOld = (name: string, steps: number, images: OldImage[]) =>
    makeOldCatalog(fileOf(name), { steps, model: MODEL, images });

  const same = { contentHash: record(1).contentHash, embedding: record(1).embedding };
  const twice = [record(1).captions[0], record(1).captions[0], record(1).captions[1]];
  const IMAGES: OldImage[] = [
    { ...record(1, { captions: twice }), sourceId: 1, searchable: false },
    { ...record(2), sourceId: 1 },
    {
      ...record(1, { ...same, file: 'copy.png', captions: [record(1).captions[1], ...record(3).captions] }),
      sourceId: 2,
    },
    { ...record(4, { file: record(1).file, captions: [] }), sourceId: 2 },
    { ...record(5, { captions: [] }), sourceId: 1, searchable: false },
    { ...record(5, { file: 'copy of 5', captions: [] }), sourceId: 2 },
    { ...record(9), sourceId: 2 },
  ];

  for (const steps of [1, 2]) {
    it(`bring everything along from version ${steps}`, async () => {
      const name = `version-${steps}`;
      makeOld(name, steps, IMAGES);
      const store = await open(name);
      const info = await store.info();
      assert.deepEqual(info.model, { ...MODEL, inputSize: steps > 1 ? MODEL.inputSize : '' });
      assert.deepEqual([info.images, info.captions], [4, 6]);
      assert.deepEqual(await store.sources(), [
        { sourceId: 1, path: '/one', root: '/one', format: '', options: {}, files: 3 },
        { sourceId: 2, path: '/two', root: '/two', format: '', options: {}, files: 3 },
      ]);

      const [first, second, fourth] = await store.scan({ after: 0, limit: 9 });
      const [a, b, c, d] = [record(1).captions[0], record(1).captions[1], ...record(3).captions].map(
        ({ text }) => text,
      );
      const { bytes, modified, width, height } = record(1);
      assert.deepEqual(first, {
        imageId: 1,
        root: '/one',
        file: record(1).file,
        location: { file: record(1).file },
        contentHash: record(1).contentHash,
        ...{ bytes, modified, width, height },
        split: null,
        attributes: {},
        captions: [a, b, c, d],
        missing: false,
        searchable: true,
      });
      assert.deepEqual([second.imageId, fourth.imageId, fourth.root], [2, 4, '/two']);
      const files = await store.getFiles({ sourceId: 1, files: [record(1).file, 'copy.png'] });
      assert.deepEqual(files[0]?.captions, [a, a, b], 'as its source says');
      assert.equal(files[1], null);
      const [copy] = await store.getFiles({ sourceId: 2, files: ['copy.png'] });
      assert.deepEqual([copy?.imageId, copy?.captions], [1, [b, c, d]]);

      for (const target of ['images', 'captions'] as const) {
        const found = await neighborsOf(store, { target, embedding: record(2).embedding, k: 99 });
        assert.equal(found.length, target === 'images' ? 4 : 6);
      }
      const [nearest] = await neighborsOf(store, { target: 'images', embedding: record(1).embedding, k: 1 });
      assert.deepEqual([nearest.id, nearest.similarity.toFixed(5)], [1, '1.00000'], 'the copy could be read');
      const words = await store.captionMatches({ text: 'second', embedding: record(1).embedding, k: 9 });
      assert.deepEqual(words.neighbors.map(({ id }) => id).sort(), [1, 2]);
      await store.close();

      assertWhole(fileOf(name));
      const database = openDatabase(fileOf(name), CATALOG_STEPS);
      const tables = database.prepare("SELECT name FROM sqlite_master WHERE name LIKE 'old%' OR name = 'merged'").all();
      assert.deepEqual(tables, []);
      database.close();

      const again = await open(name);
      const [unchanged, added] = await upsertTo(again, { path: '/one', images: [record(2), record(20)] });
      assert.equal(unchanged, 2);
      assert.equal(added, 8, 'ids are never reused');
      assert.deepEqual(await again.getModelInputs([2]), [record(2).modelInput]);
    });
  }

  it('leave an empty catalog empty', async () => {
    makeOld('empty', 2, []);
    const store = await open('empty');
    const { images, captions } = await store.info();
    assert.deepEqual([images, captions], [0, 0]);
    assert.deepEqual(await upsertTo(store, { path: '/one', images: [record(1)] }), [1]);
  });

  it('leave everything as it was when one of them fails', () => {
    makeOld('torn', 2, IMAGES);
    const before = openDatabase(fileOf('torn'), CATALOG_STEPS);
    before.exec('CREATE TABLE files (torn)');
    before.close();
    return assert.rejects(open('torn')).then(() => {
      const database = openDatabase(fileOf('torn'), CATALOG_STEPS);
      assert.equal(database.pragma('user_version', { simple: true }), 2);
      assert.equal(database.prepare('SELECT count(*) FROM images').pluck().get(), 6);
      assert.equal(database.prepare('SELECT count(*) FROM captions').pluck().get(), 8);
      database.close();
    });
  });
});
