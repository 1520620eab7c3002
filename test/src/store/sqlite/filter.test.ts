import assert from 'node:assert/strict';
import path from 'node:path';
import {
  checkFilter,
  FILTER_FIELDS,
  FILTER_LIMITS,
  type Filter,
  type Range,
  type Scalar,
} from '../../../../src/filter.js';
import { bindModel, Catalog } from '../../../../src/store/sqlite/catalog.js';
import { Places } from '../../../../src/store/sqlite/places.js';
import { createDatabase, openDatabase, type Connection } from '../../../../src/store/sqlite/database.js';
import { compileFilter, defineFilterFunctions, filteredImages } from '../../../../src/store/sqlite/filter.js';
import { CATALOG_STEPS } from '../../../../src/store/sqlite/schema.js';
import { Tables } from '../../../../src/store/sqlite/tables.js';
import { temporaryFolder } from '../../../fixture.js';
import { matches, type FilteredFile } from '../oracle.js';
import { imageRecord, modelOf, seededRandom } from '../records.js';

const SOURCES = ['/data/Ünïcode', "/data/'; DROP TABLE files; --"];
const NAMES = [
  'a',
  'a.b',
  'a"b',
  'a\\b',
  "a'b",
  '',
  '$',
  '$.a',
  '[0]',
  '#-1',
  '😀',
  'a\nb',
  '\u0001',
  'width',
  'split',
];
const STRINGS = [
  ...['', 'a', 'A', 'ab', 'ß', 'SS', 'ΟΔΟΣ', 'οδος', 'İstanbul', '1', '1.5', 'true', 'null', '"a"', 'a\\', 'a%_b'],
  ...["'; --", 'x\0y', 'x', '\uffff', '\u{10000}', 'train', 'test', 'pictures/3.png', ...SOURCES],
];
const NUMBERS = [0, -0, 1, -1, 1.5, 0.1, 1e21, -1e21, 2 ** 53, 2 ** 63, 1e300, 5e-324, 320, 321, 240, 1003];

type Random = () => number;
const pick = <T>(random: Random, of: readonly T[]): T => of[Math.floor(random() * of.length)];

function randomScalar(random: Random): Scalar {
  return pick(random, [() => pick(random, STRINGS), () => pick(random, NUMBERS), () => random() < 0.5, () => null])();
}

function randomFile(random: Random, seed: number): FilteredFile {
  const { bytes, width, height } = imageRecord(seed, 2);
  const names = NAMES.filter(() => random() < 0.3);
  return {
    source: pick(random, SOURCES),
    file: random() < 0.5 ? `pictures/${seed}.png` : `${pick(random, STRINGS)}${seed}`,
    split: pick(random, ['train', 'test', 'Test', '1', null]),
    ...{ bytes, width, height },
    missing: random() < 0.3,
    attributes: Object.fromEntries(names.map((name) => [name, randomScalar(random)])),
  };
}

function randomFilter(random: Random, depth = 0): Filter {
  const deeper = () => Array.from({ length: Math.floor(random() * 4) }, () => randomFilter(random, depth + 1));
  const kind = random();
  if (depth < 4 && kind < 0.15) return { and: deeper() };
  if (depth < 4 && kind < 0.3) return { or: deeper() };
  if (depth < 4 && kind < 0.45) return { not: randomFilter(random, depth + 1) };
  const name = pick(random, [...NAMES, 'none']);
  const field = pick(random, [() => pick(random, FILTER_FIELDS), () => name || 'a', () => `attributes.${name}`])();
  const bound = pick(random, [STRINGS, NUMBERS]) as readonly (string | number)[];
  const keys = (['gt', 'gte', 'lt', 'lte'] as const).filter(() => random() < 0.4);
  const range: Range = Object.fromEntries((keys.length ? keys : ['gt']).map((key) => [key, pick(random, bound)]));
  return pick<() => Filter>(random, [
    () => ({ field, eq: randomScalar(random) }),
    () => ({ field, in: Array.from({ length: Math.floor(random() * 5) }, () => randomScalar(random)) }),
    () => ({ field, exists: random() < 0.5 }),
    () => ({ field, contains: pick(random, STRINGS) }),
    () => ({ field, range }),
  ])();
}

describe('filter in SQL', () => {
  const folder = temporaryFolder();
  let database: Connection;
  let files: { id: number; imageId: number; file: FilteredFile }[];

  before(() => {
    const catalogFile = path.join(folder.path, 'catalog.sqlite');
    createDatabase(catalogFile, CATALOG_STEPS, (created) => bindModel(created, modelOf(2)));
    database = openDatabase(catalogFile, CATALOG_STEPS);
    defineFilterFunctions(database);
    const tables = new Tables(new Catalog(database), database, new Places(folder.path));
    const ids = SOURCES.map((path) => tables.sources.add({ path, root: '/', format: 'folder', options: {} }).sourceId);
    const random = seededRandom(1);
    files = Array.from({ length: 300 }, (_, i) => {
      const file = randomFile(random, Math.floor(i / 1.5)); // Every third is another file of the image before.
      const sourceId = ids[SOURCES.indexOf(file.source)];
      const { split, attributes } = file;
      file.file += i % 3 === 1 ? ' again' : '';
      const record = imageRecord(Math.floor(i / 1.5), 2, { file: file.file, split, attributes });
      const [imageId] = tables.records.upsert({ sourceId, images: [record] });
      if (file.missing) tables.files.markMissing({ sourceId, files: [file.file] });
      return { id: tables.files.get({ sourceId, files: [file.file] })[0]!.fileId, imageId, file };
    });
  });
  after(() => database.close());

  function run(filter: Filter): number[] {
    const { sql, parameters } = compileFilter(filter);
    const query = `SELECT files.id, ${sql} AS matched FROM files JOIN images ON images.id = image_id
      JOIN sources ON sources.id = source_id ORDER BY files.id`;
    const rows = database.prepare<unknown[], { id: number; matched: unknown }>(query).all(...parameters);
    assert.ok(
      rows.every(({ matched }) => matched === 0 || matched === 1),
      JSON.stringify(filter),
    );
    return rows.filter(({ matched }) => matched === 1).map(({ id }) => id);
  }
  const expected = (filter: Filter) => files.filter(({ file }) => matches(filter, file)).map(({ id }) => id);

  it('puts nothing of a filter into the SQL', () => {
    const hostile = `x"'); DROP TABLE files; --`;
    for (const filter of [
      { field: hostile, eq: hostile },
      { field: hostile, in: [hostile] },
      { field: hostile, range: { gt: hostile } },
      { field: hostile, contains: hostile },
      { field: hostile, exists: true },
      { field: 'file', eq: hostile },
      { field: 'file', in: [hostile] },
      { field: 'file', range: { gt: hostile } },
      { field: 'file', contains: hostile },
    ]) {
      const { sql } = compileFilter(checkFilter(filter));
      assert.doesNotMatch(sql, /DROP|"|;|--/);
      assert.deepEqual(run(filter), expected(filter));
    }
  });

  it('finds what an evaluation of the filter finds, for 2,000 filters', function () {
    this.timeout(120_000);
    const random = seededRandom(2);
    let some = 0;
    for (let i = 0; i < 2000; i++) {
      const filter = randomFilter(random);
      const right = expected(filter);
      assert.deepEqual(run(checkFilter(filter)), right, JSON.stringify(filter));
      if (right.length > 0 && right.length < files.length) some++;
    }
    assert.ok(some > 750, `${some} filters tell files apart`);
  });

  it('finds an image where any of its files matches', () => {
    const random = seededRandom(3);
    for (let i = 0; i < 300; i++) {
      const filter = randomFilter(random);
      const { sql, parameters } = filteredImages(filter);
      const found = database
        .prepare<unknown[], number>(sql)
        .pluck()
        .all(...parameters);
      const right = files.filter(({ file }) => matches(filter, file)).map(({ imageId }) => imageId);
      assert.deepEqual(new Set(found), new Set(right), JSON.stringify(filter));
    }
  });

  it('never takes a value of one type for one of another', () => {
    const values: Scalar[] = [1, '1', true, 'true', null, 'null', 0, false, '', '0'];
    const tables = new Tables(new Catalog(database), database, new Places(folder.path));
    values.forEach((typed, i) => {
      const record = imageRecord(1000 + i, 2, { attributes: { typed } });
      tables.records.upsert({ sourceId: 1, images: [record] });
    });
    try {
      for (const value of values) {
        for (const filter of [
          { field: 'typed', eq: value },
          { field: 'typed', in: [value] },
        ]) {
          assert.equal(run(filter).length, 1, JSON.stringify(filter));
        }
      }
      assert.equal(run({ field: 'typed', in: values }).length, values.length);
      assert.equal(run({ field: 'typed', range: { gte: 0 } }).length, 2);
      assert.equal(run({ field: 'typed', range: { gte: '' } }).length, 5);
      assert.equal(run({ field: 'typed', contains: '' }).length, 5);
    } finally {
      tables.removal.removeImages(run({ field: 'typed', exists: true }).map((id) => imageOf(id)));
    }
  });
  const imageOf = (fileId: number) =>
    database.prepare<[number], number>('SELECT image_id FROM files WHERE id = ?').pluck().get(fileId)!;

  it('runs the largest that is allowed', () => {
    const leaves = (count: number): Filter[] =>
      Array.from({ length: count }, () => ({ field: 'a', in: new Array<Scalar>(FILTER_LIMITS.values).fill('none') }));
    assert.deepEqual(run(checkFilter({ or: leaves(FILTER_LIMITS.nodes - 1) })), []);
    let deep: Filter = { field: 'file', exists: true };
    for (let depth = 1; depth < FILTER_LIMITS.depth; depth++) deep = { and: [deep] };
    assert.equal(run(checkFilter(deep)).length, files.length);
  });
});
