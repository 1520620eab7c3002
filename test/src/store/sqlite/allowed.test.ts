import assert from 'node:assert/strict';
import path from 'node:path';
import type { Filter } from '../../../../src/filter.js';
import { AllowedIds, Filters } from '../../../../src/store/sqlite/allowed.js';
import { bindModel } from '../../../../src/store/sqlite/catalog.js';
import { createDatabase, openDatabase, type Connection } from '../../../../src/store/sqlite/database.js';
import { CATALOG_STEPS } from '../../../../src/store/sqlite/schema.js';
import { temporaryFolder } from '../../../fixture.js';
import { modelOf } from '../records.js';

const COUNT = 5000;

describe('ids that a filter allows', () => {
  it('are each there once, ascending, up to the highest', () => {
    const allowed = new AllowedIds([7, 3, 2 ** 32 - 1, 3, 1, 7]);
    assert.deepEqual([...allowed], [1, 3, 7, 2 ** 32 - 1]);
    assert.equal(allowed.size, 4);
    for (const id of [1, 3, 7, 2 ** 32 - 1]) assert.ok(allowed.has(id));
    for (const id of [0, 2, 8, 2 ** 32 - 2, 2 ** 32, -1, 1.5, NaN]) assert.ok(!allowed.has(id), `${id}`);
    assert.deepEqual(allowed.page({ after: 0, limit: 2 }), [1, 3]);
    assert.deepEqual(allowed.page({ after: 3, limit: 9 }), [7, 2 ** 32 - 1]);
    assert.deepEqual(allowed.page({ after: 2 ** 32 - 1, limit: 9 }), []);
    const none = new AllowedIds([]);
    assert.deepEqual([none.size, none.has(0), none.page({ after: 0, limit: 1 })], [0, false, []]);
  });
});

describe('filters', () => {
  const folder = temporaryFolder();
  let file: string;
  let database: Connection;
  const third: Filter = { field: 'bucket', eq: 1 };

  before(() => {
    file = path.join(folder.path, 'catalog.sqlite');
    createDatabase(file, CATALOG_STEPS, (created) => bindModel(created, modelOf(2)));
    database = openDatabase(file, CATALOG_STEPS);
    database.exec(`
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${COUNT})
      INSERT INTO images (id, content_hash, bytes, width, height, revision, embedding)
        SELECT i, i, 1, 640, 480, i, zeroblob(8) FROM n;
      INSERT INTO captions (id, image_id, text, revision, embedding) SELECT 100000 + id, id, 'x', id, embedding FROM images;
      INSERT INTO sources (path, root, format, options) VALUES ('/', '/', 'folder', '{}');
      INSERT INTO files (source_id, image_id, file, modified, attributes)
        SELECT 1, id, id, 0, json_object('bucket', id % 3) FROM images;`);
  });
  after(() => database.close());

  const expected = (shift = 0) =>
    Array.from({ length: COUNT }, (_, i) => i + 1).flatMap((id) => (id % 3 === 1 ? [id + shift] : []));

  it('find images, and the captions of such', async () => {
    const filters = new Filters(database);
    assert.deepEqual([...(await filters.allowed('images', third))], expected());
    assert.deepEqual([...(await filters.allowed('captions', third))], expected(100_000));
  });

  it('look at files a few at a time, and let others have their turn', async () => {
    let turns = 0;
    let going = true;
    const turn = () => {
      turns++;
      if (going) setImmediate(turn);
    };
    setImmediate(turn);
    await new Filters(database).allowed('images', third);
    going = false;
    assert.ok(turns >= 1, `${turns} turns`);
  });

  it('give up what takes too long, and say so', async () => {
    const filters = new Filters(database, { mostTime: 0 });
    for (let i = 0; i < 2; i++) {
      await assert.rejects(filters.allowed('images', third), {
        code: 'INVALID_ARGUMENT',
        message: /more than 0 seconds to look at every file/,
      });
    }
    // The machine may have been busy: it is looked again.
    Object.assign(filters, { mostTime: 60_000 });
    assert.deepEqual([...(await filters.allowed('images', third))], expected());
  });

  it('keep what they found until the catalog changes, here or elsewhere', async () => {
    const filters = new Filters(database);
    const found = await filters.allowed('images', third);
    assert.equal(await filters.allowed('images', third), found);
    assert.notEqual(await filters.allowed('captions', third), found);
    const setBucket = (connection: Connection, bucket: number) =>
      connection.prepare('UPDATE files SET attributes = ? WHERE id = 1').run(JSON.stringify({ bucket }));
    setBucket(database, 2);
    assert.deepEqual([...(await filters.allowed('images', third))], expected().slice(1));
    const other = openDatabase(file, CATALOG_STEPS);
    setBucket(other, 1);
    other.close();
    assert.deepEqual([...(await filters.allowed('images', third))], expected());
  });

  it('keep the sets of the filters used last, and no more', async () => {
    const filters = new Filters(database);
    const of = (n: number) => filters.allowed('images', { field: 'file', eq: `${n}` });
    const first = await of(1);
    for (let n = 2; n <= 8; n++) await of(n);
    assert.equal(await of(1), first);
    for (let n = 9; n <= 16; n++) await of(n);
    assert.notEqual(await of(1), first);
    assert.deepEqual([...(await of(1))], [1]);
  });

  it('look again after a change while they looked', async () => {
    const filters = new Filters(database);
    const looking = filters.allowed('images', third);
    database.prepare(`UPDATE files SET attributes = '{"bucket":2}' WHERE id = 1`).run(); // which was looked at first
    assert.deepEqual([...(await looking)], expected());
    assert.deepEqual([...(await filters.allowed('images', third))], expected().slice(1));
  });
});
