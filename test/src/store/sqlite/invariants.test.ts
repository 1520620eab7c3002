import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { auditedCollection, failed, resultOf } from './audited.js';

describe('verify', () => {
  const { at, verify, damage, truth } = auditedCollection();

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
});
