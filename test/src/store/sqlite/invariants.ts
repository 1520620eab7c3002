import assert from 'node:assert/strict';
import Database from 'better-sqlite3';

/** Queries that find nothing in a catalog that is whole. */
const LIES = {
  'images without a file': 'SELECT id FROM images WHERE id NOT IN (SELECT image_id FROM files)',
  'captions that no file gives': 'SELECT id FROM captions WHERE id NOT IN (SELECT caption_id FROM file_captions)',
  'captions of an image that their file is not of': `SELECT caption_id FROM file_captions
    JOIN files ON files.id = file_id JOIN captions ON captions.id = caption_id WHERE files.image_id <> captions.image_id`,
  'removed contents that are there':
    'SELECT content_hash FROM removed WHERE content_hash IN (SELECT content_hash FROM images)',
  'vectors of a revision that was not reached': `SELECT id FROM images WHERE revision > (SELECT revision FROM meta)
    UNION SELECT id FROM captions WHERE revision > (SELECT revision FROM meta)`,
  'revisions given twice': `SELECT revision FROM (SELECT revision FROM images UNION ALL SELECT revision FROM captions)
    WHERE revision > 0 GROUP BY revision HAVING count(*) > 1`,
  'counts that are wrong': `SELECT 1 FROM meta WHERE images <> (SELECT count(*) FROM images)
    OR captions <> (SELECT count(*) FROM captions)
    OR searchable_images <> (SELECT count(*) FROM images WHERE revision > 0)`,
  'links of images without a hash': `SELECT image_id FROM near_duplicates JOIN images ON id IN (image_id, other_id)
    WHERE hash0 IS NULL OR image_id >= other_id`,
};

export function assertWhole(file: string): void {
  const database = new Database(file);
  try {
    assert.deepEqual(database.pragma('integrity_check'), [{ integrity_check: 'ok' }], file);
    assert.deepEqual(database.pragma('foreign_key_check'), [], file);
    for (const [lie, query] of Object.entries(LIES))
      assert.deepEqual(database.prepare(query).all(), [], `${file}: ${lie}`);
    database.exec("INSERT INTO caption_words (caption_words, rank) VALUES ('integrity-check', 1)");
  } finally {
    database.close();
  }
}
