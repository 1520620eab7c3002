import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { CheckResult, Verification } from '../../../../src/store/sqlite/audit.js';
import { openStore } from '../../../../src/store/sqlite/store.js';
import { temporaryFolder } from '../../../fixture.js';
import { imageRecord, modelOf, neighborsOf } from '../records.js';

const DIMENSION = 16;
const IMAGES = 12;
const NAME = 'foxes';

describe('verify', () => {
  const temporary = temporaryFolder();
  const whole = () => path.join(temporary.path, 'whole');
  let data: string;
  let count = 0;

  const folder = () => path.join(data, 'collections', NAME);
  const at = (name: string) => path.join(folder(), name);
  const record = (seed: number) => imageRecord(seed, DIMENSION);

  /** A collection with everything in it: files of one content, near duplicates, removed ones, attributes, a graph, a cache. */
  before(async () => {
    const store = await openStore({ data: whole(), name: NAME, create: modelOf(DIMENSION), exactBelow: 0 });
    const own = path.join(whole(), 'collections', NAME, 'imported');
    mkdirSync(own);
    writeFileSync(path.join(own, '1.png'), 'a picture');
    const [first, second] = await Promise.all(
      ['/pictures', own].map((root) => store.addSource({ path: root, root, format: 'folder', options: {} })),
    );
    const images = Array.from({ length: IMAGES }, (_, i) => ({
      ...record(i + 1),
      perceptualHash: Uint16Array.of(i < 4 ? 7 : 1000 * i, 5 * i, i, 9),
      attributes: { rating: i, kind: i % 2 ? 'fox' : null },
    }));
    await store.upsert({ sourceId: first.sourceId, images });
    const copy = { ...images[0], file: 'copy.png', embedding: null, modelInput: null };
    const range = { ...record(50), file: 'a.tar/1.png', location: { file: 'a.tar', offset: 512, bytes: 30 } };
    const contentHash = createHash('sha256').update('a picture').digest('hex');
    await store.upsert({ sourceId: first.sourceId, images: [copy, range] });
    await store.upsert({
      sourceId: second.sourceId,
      images: [{ ...record(60), file: '1.png', location: { file: '1.png' }, contentHash }],
    });
    const [gone] = await store.upsert({ sourceId: first.sourceId, images: [record(70)] });
    await store.remove([gone]);
    await store.quarantine({
      sourceId: first.sourceId,
      files: [{ file: 'bad.png', reason: 'bad', bytes: 1, modified: 1 }],
    });
    await store.flush();
    await store.close();
  });

  beforeEach(() => {
    data = path.join(temporary.path, String(count++));
    cpSync(whole(), data, { recursive: true });
  });

  async function verify(options: { repair?: boolean } = {}): Promise<Verification> {
    const store = await openStore({ data, name: NAME, exactBelow: 0, warm: false });
    try {
      return await store.verify(options);
    } finally {
      await store.close();
    }
  }

  function damage(sql: string, file = 'catalog.sqlite'): void {
    const database = new Database(at(file));
    database.unsafeMode();
    database.pragma('foreign_keys = OFF');
    database.pragma('ignore_check_constraints = ON');
    database.pragma('writable_schema = ON');
    database.exec(sql);
    database.close();
  }

  const failed = ({ checks }: Verification) => checks.filter((check) => check.failed > 0);
  const resultOf = ({ checks }: Verification, name: string): CheckResult =>
    checks.find((check) => check.name === name)!;
  const truth = () => {
    const database = new Database(at('catalog.sqlite'), { readonly: true });
    const rows = ['sources', 'images', 'files', 'captions', 'file_captions', 'removed', 'quarantine'].map((table) =>
      database.prepare(`SELECT * FROM ${table}`).all(),
    );
    database.close();
    return rows;
  };

  const lies: [check: string, what: string, sql: string, example: RegExp][] = [
    [
      'references',
      'a file of no image',
      'UPDATE files SET image_id = 999 WHERE id = 3',
      /files 3: no such row of images/,
    ],
    ['schema', 'a trigger that is gone', 'DROP TRIGGER captions_words_delete', /captions_words_delete/],
    ['schema', 'a table too many', 'CREATE TABLE secrets (a)', /secrets/],
    ['embeddings', 'an embedding cut short', "UPDATE images SET embedding = x'0000' WHERE id = 2", /images 2: 2 bytes/],
    [
      'embeddings',
      'one that is not of unit length',
      'UPDATE captions SET embedding = zeroblob(64) WHERE id = 5',
      /captions 5: length 0/,
    ],
    [
      'embeddings',
      'one that is not finite',
      `UPDATE images SET embedding = CAST(x'0000C07F' || zeroblob(60) AS BLOB) WHERE id = 4`,
      /images 4: a value that is not finite/,
    ],
    [
      'embeddings',
      'one of a vector that is said to be missing',
      'UPDATE images SET revision = 0 WHERE id = 4',
      /images 4: an embedding of revision 0/,
    ],
    [
      'embeddings',
      'a caption without any',
      "UPDATE captions SET revision = 0, embedding = x'' WHERE id = 4",
      /captions 4: no embedding/,
    ],
    [
      'revisions',
      'a revision of the future',
      'UPDATE images SET revision = 100000 WHERE id = 4',
      /images 4: revision 100000/,
    ],
    [
      'revisions',
      'a revision given twice',
      'UPDATE images SET revision = (SELECT revision FROM captions WHERE id = 1) WHERE id = 4',
      /2 vectors/,
    ],
    [
      'ids',
      'an id that was never given out',
      "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'captions'",
      /captions 4/,
    ],
    ['contents', 'a content that is no hash', "UPDATE images SET content_hash = 'x' WHERE id = 4", /image 4/],
    [
      'files',
      'an image in no file',
      'DELETE FROM file_captions WHERE file_id = 3; DELETE FROM files WHERE id = 3',
      /image 3/,
    ],
    ['captions', 'a caption that no file gives', 'DELETE FROM file_captions WHERE caption_id = 6', /caption 6/],
    [
      'captions',
      'a caption of another image',
      'UPDATE file_captions SET caption_id = 9 WHERE file_id = 2 AND position = 0',
      /file 2, caption 9/,
    ],
    [
      'positions',
      'a gap in the captions of a file',
      'UPDATE file_captions SET position = 5 WHERE file_id = 2 AND position = 1',
      /file 2/,
    ],
    ['locations', 'a location that is no JSON', "UPDATE files SET location = '{' WHERE id = 2", /file 2/],
    [
      'locations',
      'a location of no known kind',
      `UPDATE files SET location = '{"file":"a","offset":"b"}' WHERE id = 2`,
      /file 2/,
    ],
    [
      'attributes',
      'attributes that are no scalars',
      `UPDATE files SET attributes = '{"a":[1]}' WHERE id = 2`,
      /file 2/,
    ],
    ['attributes', 'attributes that are a list', `UPDATE files SET attributes = '[1]' WHERE id = 2`, /file 2/],
    ['attributes', 'options that are no JSON', "UPDATE sources SET options = 'x' WHERE id = 1", /source 1/],
    [
      'removed',
      'a removed image that is there',
      'INSERT INTO removed SELECT content_hash, 1, 1 FROM images WHERE id = 2',
      /image 2/,
    ],
  ];
  for (const [name, what, sql, example] of lies) {
    it(`finds ${what}, and does not touch it`, async () => {
      damage(sql);
      const found = await verify();
      assert.equal(found.passed, false);
      const result = resultOf(found, name);
      assert.ok(result.failed > 0, JSON.stringify(failed(found)));
      assert.match(result.examples.join('\n'), example);
      assert.match(result.advice!, /backup/);
      const before = truth();
      const repaired = await verify({ repair: true });
      assert.equal(resultOf(repaired, name).repaired, false);
      assert.equal(repaired.passed, false);
      assert.deepEqual(truth(), before);
    });
  }

  it('finds pictures of its own that are gone or changed', async () => {
    writeFileSync(at('imported/1.png'), 'another');
    const { examples, advice } = resultOf(await verify({ repair: true }), 'pictures');
    assert.match(examples[0], /1\.png: it has changed/);
    assert.match(advice!, /import/);
    rmSync(at('imported/1.png'));
    assert.match(resultOf(await verify(), 'pictures').examples[0], /1\.png: .*ENOENT/);
  });

  it('finds pages that are garbage, and goes on with other checks', async () => {
    const bytes = readFileSync(at('catalog.sqlite'));
    bytes.fill(0x5a, bytes.length - 4096 * 3, bytes.length - 4096);
    writeFileSync(at('catalog.sqlite'), bytes);
    const found = await verify({ repair: true });
    assert.equal(found.passed, false);
    assert.ok(resultOf(found, 'integrity').failed + resultOf(found, 'references').failed > 0);
    assert.equal(found.checks.length, (await verify()).checks.length);
  });

  /** Hides an index from SQLite while a row changes. */
  function loseIndexRow(): void {
    const database = new Database(at('catalog.sqlite'));
    const row = database.prepare("SELECT * FROM sqlite_schema WHERE name = 'images_by_revision'").get();
    database.close();
    damage("DELETE FROM sqlite_schema WHERE name = 'images_by_revision'");
    damage(
      'UPDATE meta SET revision = revision + 1; UPDATE images SET revision = (SELECT revision FROM meta) WHERE id = 4',
    );
    const again = new Database(at('catalog.sqlite'));
    again.unsafeMode();
    again.pragma('writable_schema = ON');
    again.prepare('INSERT INTO sqlite_schema VALUES (:type, :name, :tbl_name, :rootpage, :sql)').run(row);
    again.close();
  }

  const repairs: [check: string, what: string, damage: () => void, example: RegExp][] = [
    [
      'words',
      'words that lack a caption',
      () =>
        damage(
          "INSERT INTO caption_words (caption_words, rowid, text) SELECT 'delete', id, text FROM captions WHERE id = 3",
        ),
      /words differs/,
    ],
    [
      'words',
      'words of which a part is gone',
      () => damage('DELETE FROM caption_words_idx; DELETE FROM caption_words_data WHERE id > 10'),
      /./,
    ],
    ['counts', 'images that were miscounted', () => damage('UPDATE meta SET images = 5, captions = 7'), /counted 5/],
    [
      'near duplicates',
      'a wrong distance',
      () => damage('UPDATE near_duplicates SET distance = 0'),
      /hashes differ in/,
    ],
    [
      'near duplicates',
      'a pair the wrong way round',
      () => damage('UPDATE near_duplicates SET image_id = other_id, other_id = image_id'),
      /lower id/,
    ],
    [
      'near duplicates',
      'a pair that is not one',
      () => damage('INSERT INTO near_duplicates VALUES (1, 12, 2)'),
      /images 1 and 12/,
    ],
    ['integrity', 'an index that lacks a row', loseIndexRow, /missing from index/],
    [
      'model inputs',
      'a model input of the wrong size',
      () => damage('UPDATE inputs SET width = 9 WHERE id = 2', 'inputs.sqlite'),
      /24 bytes, 9 x 2/,
    ],
    ['model inputs', 'a cache that is garbage', () => writeFileSync(at('inputs.sqlite'), 'garbage'.repeat(999)), /./],
    [
      'vectors',
      'a graph with the vectors of others',
      () =>
        damage(
          'UPDATE images SET embedding = (SELECT embedding FROM images o WHERE o.id = 13 - images.id) WHERE id IN (3, 10)',
        ),
      /another vector of/,
    ],
  ];
  for (const [name, what, harm, example] of repairs) {
    it(`finds ${what}, and makes it anew`, async () => {
      harm();
      const found = await verify();
      assert.deepEqual(
        failed(found).map((check) => check.name),
        [name],
      );
      assert.equal(found.passed, false);
      assert.match(resultOf(found, name).examples[0], example);
      assert.match(resultOf(found, name).advice!, /--repair/);
      const before = truth();
      const repaired = await verify({ repair: true });
      assert.equal(resultOf(repaired, name).repaired, true, JSON.stringify(resultOf(repaired, name)));
      assert.equal(repaired.passed, true);
      assert.deepEqual(failed(await verify()), []);
      assert.deepEqual(truth(), before);
    });
  }

  const leftBehind: [check: string, what: string, harm: () => void, example: RegExp][] = [
    [
      'vector files',
      'a graph that is cut short',
      () => writeFileSync(at('images.hnsw'), readFileSync(at('images.hnsw')).subarray(0, 500)),
      /images\.hnsw has 500 bytes/,
    ],
    ['vector files', 'a manifest that is gone', () => rmSync(at('manifest.json')), /not described/],
    [
      'leftovers',
      'a file of a process that died',
      () => writeFileSync(at('captions.hnsw.new'), 'half'),
      /captions\.hnsw\.new/,
    ],
    [
      'leftovers',
      'a journal whose database is gone',
      () => writeFileSync(at('reindex.sqlite-wal'), 'half'),
      /reindex\.sqlite-wal/,
    ],
    [
      'leftovers',
      'a reindex that cannot be gone on with',
      () => writeFileSync(at('reindex.sqlite'), 'half'),
      /reindex\.sqlite/,
    ],
  ];
  for (const [name, what, harm, example] of leftBehind) {
    it(`finds ${what}, which harms nothing, and clears it away`, async () => {
      harm();
      const found = await verify();
      assert.deepEqual(new Set(failed(found).map((check) => check.name)), new Set([name]));
      assert.equal(found.passed, true);
      assert.match(resultOf(found, name).examples[0], example);
      assert.equal(resultOf(await verify({ repair: true }), name).repaired, true);
      assert.deepEqual(failed(await verify()), []);
    });
  }

  it('leaves a reindex that is not finished alone', async () => {
    const store = await openStore({ data, name: NAME });
    await store.beginReindex({ ...modelOf(8), hash: 'c'.repeat(64) });
    await store.close();
    assert.deepEqual(failed(await verify({ repair: true })), []);
    assert.ok(existsSync(at('reindex.sqlite')));
  });

  it('finds nothing wrong with a collection that is whole, and changes nothing', async () => {
    const before = truth();
    const found = await verify();
    assert.deepEqual(failed(found), []);
    assert.ok(found.checks.every(({ checked, skipped }) => checked !== null && skipped === null));
    assert.equal(resultOf(found, 'embeddings').checked, 14 + 28);
    assert.deepEqual(await verify({ repair: true }), found);
    assert.deepEqual(truth(), before);
  });

  it('checks what it can while another process writes, and repairs nothing then', async () => {
    const script = `
      import { openStore } from ${JSON.stringify(new URL('../../../../src/store/sqlite/store.js', import.meta.url).href)};
      const store = await openStore({ data: ${JSON.stringify(data)}, name: '${NAME}' });
      await store.addSource({ path: '/more', root: '/more', format: 'folder', options: {} });
      console.log('writing');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    try {
      await once(child.stdout, 'data');
      const found = await verify();
      assert.deepEqual(failed(found), []);
      const skipped = found.checks.filter((check) => check.skipped !== null).map(({ name }) => name);
      assert.deepEqual(skipped, ['vector files', 'vectors', 'leftovers']);
      await assert.rejects(verify({ repair: true }), { code: 'COLLECTION_BUSY' });
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('repairs a collection that is then searched as before', async () => {
    const query = { target: 'images' as const, embedding: record(3).embedding, k: 5 };
    const search = async () => {
      const store = await openStore({ data, name: NAME, exactBelow: 0 });
      const found = [await neighborsOf(store, query), await store.captionMatches({ ...query, text: 'caption of 3' })];
      await store.close();
      return found;
    };
    const before = await search();
    damage("INSERT INTO caption_words (caption_words) VALUES ('delete-all')");
    writeFileSync(at('images.hnsw'), 'garbage');
    await verify({ repair: true });
    assert.deepEqual(await search(), before);
  });
});
