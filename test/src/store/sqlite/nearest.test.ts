import assert from 'node:assert/strict';
import { renameSync, truncateSync } from 'node:fs';
import path from 'node:path';
import type { ImageRecord } from '../../../../src/store/store.js';
import { bindModel, Catalog } from '../../../../src/store/sqlite/catalog.js';
import { createDatabase, openDatabase } from '../../../../src/store/sqlite/database.js';
import { graphFile, measureFile, type GraphEntry } from '../../../../src/store/sqlite/manifest.js';
import { NearestIndex } from '../../../../src/store/sqlite/nearest.js';
import { Places } from '../../../../src/store/sqlite/places.js';
import { Tables } from '../../../../src/store/sqlite/tables.js';
import { CATALOG_STEPS } from '../../../../src/store/sqlite/schema.js';
import { temporaryFolder } from '../../../fixture.js';
import { exactNearest, imageRecord, modelOf, randomUnit, seededRandom, type WholeRecord } from '../records.js';

const DIMENSION = 12;
const FOREVER = Infinity; // milliseconds: `advance` until there is nothing left
const ONE_VECTOR = 0; // milliseconds: `advance` moves one

describe('nearest index', () => {
  const folder = temporaryFolder();
  let catalogs = 0;
  let catalog: Catalog;
  let tables: Tables;
  let close: () => void;

  beforeEach(() => {
    const file = path.join(folder.path, `${catalogs++}.sqlite`);
    createDatabase(file, CATALOG_STEPS, (database) => bindModel(database, modelOf(DIMENSION)));
    const database = openDatabase(file, CATALOG_STEPS);
    catalog = new Catalog(database);
    tables = new Tables(catalog, database, new Places(folder.path));
    tables.sources.add({ path: '/pictures', root: '/pictures', format: 'folder', options: {} });
    close = () => void database.close();
  });
  afterEach(() => close());

  const create = (exactBelow = 0) =>
    new NearestIndex({ catalog, target: 'captions', dimension: DIMENSION, exactBelow });
  const record = (seed: number, changes: Partial<WholeRecord> = {}) => imageRecord(seed, DIMENSION, changes);
  const upsert = (...images: ImageRecord[]) => tables.records.upsert({ sourceId: 1, images });
  const upsertRange = (from: number, to: number) =>
    upsert(...Array.from({ length: to - from }, (_, i) => record(from + i)));

  /** The index finds what comparing each vector of the catalog finds. */
  function assertRight(index: NearestIndex): void {
    index.sync();
    assert.equal(index.count, catalog.count('captions'));
    const vectors = [...catalog.vectorsSince('captions', 0)].map(({ id, vector }): [number, Float32Array] => [
      id,
      vector,
    ]);
    const random = seededRandom(9);
    for (const k of [1, 10, 1000]) {
      const query = randomUnit(random, DIMENSION);
      const found = index.search({ embedding: query, k }).map(({ id }) => id);
      assert.deepEqual(
        found,
        exactNearest(vectors, query, k).map(({ id }) => id),
      );
    }
  }

  function save(index: NearestIndex): GraphEntry {
    const file = graphFile(folder.path, 'captions');
    const entry = index.write(`${file}.new`, null);
    assert.ok(entry);
    renameSync(`${file}.new`, file);
    index.markSaved(entry);
    return entry;
  }

  it('is right at every step of moving its vectors to the graph', () => {
    upsertRange(0, 20);
    const index = create();
    assertRight(index);
    let steps = 0;
    while (index.advance(ONE_VECTOR)) {
      assertRight(index);
      steps++;
    }
    assert.ok(steps > 30, `${steps} steps`);
    assertRight(index);
  });

  it('has no graph below the bound, and one from there on', () => {
    upsertRange(0, 20); // 40 captions
    const index = create(41);
    index.sync();
    assert.equal(index.advance(FOREVER), false);
    assert.equal(index.unsaved, 0);
    assert.equal(index.write(path.join(folder.path, 'none'), null), null);
    upsertRange(20, 21);
    index.sync();
    index.advance(FOREVER);
    assert.equal(index.unsaved, 42);
    assertRight(index);
  });

  it('follows replacements in the table and in the graph', () => {
    upsertRange(0, 30);
    const index = create();
    index.sync();
    for (let i = 0; i < 25; i++) index.advance(ONE_VECTOR);
    for (const [seed, file] of [
      [100, 0],
      [101, 29],
      [102, 12],
    ]) {
      upsert(record(seed, { file: record(file).file }));
      assertRight(index);
    }
    upsert(record(5, { captions: [] }));
    assertRight(index);
    index.advance(FOREVER);
    assertRight(index);
  });

  it('builds its graph anew when more than 20 % of it is deleted', () => {
    upsertRange(0, 50);
    const index = create();
    index.sync();
    index.advance(FOREVER);
    assert.equal(save(index).count, 100);
    const replace = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) =>
        upsert(record(from + i, { captions: record(500 + from + i).captions })),
      );
    replace(0, 10); // 20 of 100 are deleted
    index.sync();
    index.advance(FOREVER);
    assert.equal(save(index).count, 120);
    replace(10, 13); // 26 of 120
    index.sync();
    index.advance(FOREVER);
    index.advance(FOREVER);
    assert.equal(save(index).count, 100);
    assertRight(index);
  });

  it('goes on with the graph it has until the next is whole, whatever comes and goes meanwhile', () => {
    upsertRange(0, 100); // captions 1 to 200
    const index = create();
    index.sync();
    index.advance(FOREVER);
    const recaption = (seed: number, captions = record(5000 + seed).captions) => upsert(record(seed, { captions }));
    for (let seed = 0; seed < 30; seed++) recaption(seed, []); // 60 of 200 are deleted
    index.sync();
    let steps = 0;
    for (let left = true; left; steps++) {
      left = index.advance(ONE_VECTOR);
      if (index.graphSize !== 200) continue;
      if (steps % 10 === 3) recaption(30 + steps); // one that the next graph has not, or has
      if (steps % 10 === 6) recaption(99 - steps, []);
      if (steps % 10 === 9) upsert(record(1000 + steps));
      assertRight(index);
    }
    assert.ok(steps > 100, `${steps} steps`);
    assertRight(index);
    assert.equal(save(index).count, index.graphSize);
    assertRight(index);
  });

  it('compares all again when a graph with many deleted is too small to be one', () => {
    upsertRange(0, 30);
    const index = create(41);
    index.sync();
    index.advance(FOREVER);
    assert.equal(index.graphSize, 60);
    for (let seed = 0; seed < 12; seed++) upsert(record(seed, { captions: [] }));
    assertRight(index);
    assert.equal(index.advance(FOREVER), false);
    assert.equal(index.graphSize, 0);
    assertRight(index);
  });

  it('is saved half way and goes on from there', () => {
    upsertRange(0, 40);
    const half = create();
    half.sync();
    for (let i = 0; i < 33; i++) half.advance(ONE_VECTOR);
    const entry = save(half);
    assert.ok(entry.count >= 33 && entry.count < 80, `${entry.count}`);
    upsert(record(3, { captions: record(200).captions }), record(39, { captions: record(201).captions }), record(300));
    const index = create();
    assert.equal(index.load(folder.path, entry), undefined);
    assert.equal(index.unsaved, 0);
    assertRight(index);
    index.advance(FOREVER);
    assert.ok(index.unsaved > 0 && index.unsaved <= catalog.count('captions') - entry.count + 4);
    assertRight(index);
  });

  it('forgets what this process removes without a look at all the rest', () => {
    upsertRange(0, 20);
    const index = create();
    index.sync();
    index.advance(FOREVER);
    const all = catalog.ids.bind(catalog);
    catalog.ids = () => assert.fail('all ids were read');
    try {
      upsert(record(3, { captions: [] })); // Its captions go.
      upsert(record(4, { captions: record(104).captions }));
      index.sync();
    } finally {
      catalog.ids = all;
    }
    assertRight(index);
    assert.equal(index.count, catalog.count('captions'));
  });

  it('does not write a graph that is behind the one on disk', () => {
    upsertRange(0, 20);
    const index = create();
    index.sync();
    index.advance(FOREVER);
    const entry = save(index);
    const file = path.join(folder.path, 'other');
    assert.equal(index.write(file, entry), null, 'nor one that is the same');
    const reader = create();
    reader.load(folder.path, entry);
    for (let i = 0; i < 10; i++) upsert(record(i, { captions: record(100 + i).captions }));
    reader.sync();
    reader.advance(ONE_VECTOR); // Half of what was loaded is deleted: another graph is begun, and has one.
    assert.equal(reader.write(file, entry), null);
    reader.advance(FOREVER);
    assert.equal(reader.write(file, entry)?.count, 40);
  });

  it('does not write over what another process has written since, unless that cannot be read', () => {
    upsertRange(0, 20);
    const index = create();
    index.sync();
    index.advance(FOREVER);
    const old = save(index);
    const reader = create();
    reader.load(folder.path, old);
    upsertRange(20, 40);
    index.sync();
    index.advance(FOREVER);
    const entry = save(index);
    reader.sync();
    assert.ok(reader.advance(ONE_VECTOR), 'it has come some of the way');
    const file = path.join(folder.path, 'behind');
    assert.equal(reader.write(file, entry), null);
    const harmed = create();
    assert.match(harmed.load(folder.path, { ...entry, checksum: 'another' }) ?? '', /./);
    harmed.sync();
    assert.ok(harmed.advance(ONE_VECTOR));
    assert.equal(harmed.write(file, { ...entry, checksum: 'another' })?.count, 1);
  });

  it('says why it cannot use a file, and is right without it', () => {
    upsertRange(0, 20);
    const index = create();
    index.sync();
    index.advance(FOREVER);
    const entry = save(index);
    const faults: [GraphEntry | null, RegExp][] = [
      [null, /manifest/],
      [{ ...entry, bytes: entry.bytes + 1 }, /bytes/],
      [{ ...entry, checksum: '0'.repeat(64) }, /checksum/],
      [{ ...entry, count: entry.count - 1 }, /vectors/],
      [{ ...entry, revision: catalog.revision() + 1 }, /newer/],
    ];
    for (const [wrong, reason] of faults) {
      const other = create();
      assert.match(other.load(folder.path, wrong) ?? '', reason);
      assertRight(other);
      other.advance(FOREVER);
      assertRight(other);
    }
    assert.match(create().load(path.join(folder.path, 'elsewhere'), entry) ?? '', /missing/);
    const file = graphFile(folder.path, 'captions');
    truncateSync(file, entry.bytes - 1);
    const short = create();
    assert.match(short.load(folder.path, { ...entry, ...measureFile(file) }) ?? '', /cannot be read/);
    assertRight(short);
    assert.equal(create(41).load(folder.path, null), undefined, 'it would not want a graph');
  });

  it('searches the catalog where the graph has islands', () => {
    // Equal vectors link only to each other, so that a search from elsewhere never reaches all of them.
    const embedding = randomUnit(seededRandom(1), DIMENSION);
    upsertRange(0, 50);
    upsert(...Array.from({ length: 400 }, (_, i) => record(1000 + i, { captions: [{ text: `${i}`, embedding }] })));
    const index = create();
    index.sync();
    index.advance(FOREVER);
    assertRight(index);
    assert.equal(index.search({ embedding: record(1).embedding, k: 500 }).length, 500);
  });

  it('refuses an embedding of the wrong length in the catalog', () => {
    upsertRange(0, 3);
    close();
    const database = openDatabase(path.join(folder.path, `${catalogs - 1}.sqlite`), CATALOG_STEPS);
    database.prepare("UPDATE captions SET embedding = x'00' WHERE id = 4").run();
    catalog = new Catalog(database);
    tables = new Tables(catalog, database, new Places(folder.path));
    tables.sources.add({ path: '/pictures', root: '/pictures', format: 'folder', options: {} });
    close = () => void database.close();
    const index = create();
    for (let i = 0; i < 2; i++)
      assert.throws(() => index.sync(), { code: 'COLLECTION_DAMAGED', message: /4 of captions/ });
  });
});
