import assert from 'node:assert/strict';
import path from 'node:path';
import { bindModel, Catalog } from '../../../../src/store/sqlite/catalog.js';
import { Places } from '../../../../src/store/sqlite/places.js';
import { createDatabase, openDatabase, type Connection } from '../../../../src/store/sqlite/database.js';
import { NearestIndex } from '../../../../src/store/sqlite/nearest.js';
import { findEf, measureRecall, RECALL } from '../../../../src/store/sqlite/recall.js';
import { CATALOG_STEPS } from '../../../../src/store/sqlite/schema.js';
import { Tables } from '../../../../src/store/sqlite/tables.js';
import { temporaryFolder } from '../../../fixture.js';
import { imageRecord, modelOf, randomUnit, seededRandom } from '../records.js';

const DIMENSION = 64;
const COUNT = 3000;

describe('recall of a graph', () => {
  const folder = temporaryFolder();
  let database: Connection;
  let catalog: Catalog;
  let tables: Tables;
  let index: NearestIndex;
  const go = () => true;

  // Noise without clusters, in which a graph is far less sure than among pictures: a small ef will not do.
  before(function () {
    this.timeout(60_000);
    const file = path.join(folder.path, 'catalog.sqlite');
    createDatabase(file, CATALOG_STEPS, (created) => bindModel(created, modelOf(DIMENSION)));
    database = openDatabase(file, CATALOG_STEPS);
    catalog = new Catalog(database);
    tables = new Tables(catalog, database, new Places(folder.path));
    tables.sources.add({ path: '/pictures', root: '/pictures', format: 'folder', options: {} });
    const random = seededRandom(1);
    const images = Array.from({ length: COUNT }, (_, i) =>
      imageRecord(i, 2, { embedding: randomUnit(random, DIMENSION), captions: [] }),
    );
    tables.records.upsert({ sourceId: 1, images });
    index = new NearestIndex({ catalog, target: 'images', dimension: DIMENSION, exactBelow: 0 });
    index.sync();
    index.advance(Infinity);
  });
  after(() => database.close());

  const options = () => ({ catalog, target: 'images' as const, index, goesOn: go });

  it('raises ef until it finds what is wanted', async () => {
    const found = await findEf(options());
    assert.ok(found && found.recall >= RECALL.wanted && found.recall <= 1);
    assert.ok(found.ef > 128 && found.ef < COUNT, `ef ${found.ef}`);
    index.measured = { ...found, count: COUNT };
    assert.equal(await measureRecall(options()), found.recall);
    index.measured = { ef: 100, recall: 0, count: COUNT };
    const less = await measureRecall(options());
    assert.ok(less !== null && less < RECALL.wanted && less > 0.5, `${less}`);
    index.measured = null;
  });

  it('counts what is as near as the last of the nearest', async () => {
    // More equal vectors than are looked for: whichever of them are found are right.
    const embedding = randomUnit(seededRandom(2), DIMENSION);
    const images = Array.from({ length: 3 * RECALL.k }, (_, i) =>
      imageRecord(COUNT + i, 2, { embedding, captions: [] }),
    );
    const ids = tables.records.upsert({ sourceId: 1, images });
    const captions = [{ text: 'the only query', embedding }];
    const [captioned] = tables.records.upsert({ sourceId: 1, images: [imageRecord(9000, 2, { embedding, captions })] });
    try {
      index.sync();
      index.advance(Infinity);
      assert.equal(await measureRecall(options()), 1);
    } finally {
      tables.removal.removeImages([...ids, captioned]);
    }
  });

  it('asks as the other modality does, where there is any', async () => {
    // One caption, far from every image but one.
    const far = imageRecord(8000, DIMENSION);
    const asked: [string, number][] = [];
    const sample = catalog.sampleVectors.bind(catalog);
    catalog.sampleVectors = (...of) => {
      const vectors = sample(...of);
      asked.push([of[0], vectors.length]);
      return vectors;
    };
    await measureRecall(options());
    assert.deepEqual(asked.splice(0), [
      ['captions', 0],
      ['images', RECALL.queries],
    ]);
    const [id] = tables.records.upsert({ sourceId: 1, images: [{ ...far, captions: far.captions.slice(0, 1) }] });
    try {
      assert.deepEqual(sample('captions', RECALL.queries), [far.captions[0].embedding]);
      assert.ok((await measureRecall(options()))! > 0.5);
      assert.deepEqual(asked, [['captions', 1]]);
    } finally {
      Reflect.deleteProperty(catalog, 'sampleVectors');
      tables.removal.removeImages([id]);
    }
  });

  it('stops when it is told to, and when the vectors change', async () => {
    for (const turns of [0, 1, 5, 20]) {
      let left = turns;
      assert.equal(await findEf({ ...options(), goesOn: () => left-- > 0 }), null);
      assert.equal(left, -1);
    }
    let turns = 0;
    const goesOn = () => {
      if (++turns === 15) tables.records.upsert({ sourceId: 1, images: [imageRecord(7000, DIMENSION)] });
      return true;
    };
    assert.equal(await findEf({ ...options(), goesOn }), null);
    assert.equal(turns, 15);
  });

  it('takes a sample that is spread over the ids, of distinct vectors', () => {
    const sample = catalog.sampleVectors('images', 50);
    assert.ok(sample.length > 40 && sample.length <= 50, `${sample.length}: fewer where many in a row were removed`);
    assert.equal(new Set(sample.map((vector) => vector.join())).size, sample.length);
    const few = catalog.sampleVectors('captions', 50);
    assert.equal(few.length, catalog.count('captions'));
  });
});
