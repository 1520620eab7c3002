import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { openStore } from '../../../../src/store/sqlite/store.js';
import { modelOf, neighborsOf } from '../records.js';
import { auditedCollection, failed, NAME, record, resultOf } from './audited.js';

describe('verify', () => {
  const { data, at, verify, damage, truth } = auditedCollection();

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
    ['near duplicates', 'a pair that is gone', () => damage('DELETE FROM near_duplicates'), /are not linked/],
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
    const store = await openStore({ data: data(), name: NAME });
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
      const store = await openStore({ data: ${JSON.stringify(data())}, name: '${NAME}' });
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
      const store = await openStore({ data: data(), name: NAME, exactBelow: 0 });
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
