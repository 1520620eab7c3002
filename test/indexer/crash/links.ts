import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { MAX_DISTANCE } from '../../../src/store/sqlite/duplicates.js';

/** Of all pairs of images those are linked, and only those, whose perceptual hashes say so: by comparing every one with every other. */
export function requireLinks(catalog: string): void {
  const database = new Database(catalog, { readonly: true });
  try {
    const images = database
      .prepare('SELECT id, hash0, hash1, hash2, hash3 FROM images WHERE hash0 IS NOT NULL ORDER BY id')
      .raw()
      .all() as number[][];
    const expected: number[][] = [];
    for (const [at, [id, ...hash]] of images.entries()) {
      for (const [otherId, ...other] of images.slice(at + 1)) {
        const distance = hash.reduce((bits, word, i) => bits + bitCount(word ^ other[i]), 0);
        if (distance <= MAX_DISTANCE) expected.push([id, otherId, distance]);
      }
    }
    const links = 'SELECT image_id, other_id, distance FROM near_duplicates ORDER BY image_id, other_id';
    assert.deepEqual(database.prepare(links).raw().all(), expected);
  } finally {
    database.close();
  }
}

function bitCount(word: number): number {
  return word.toString(2).replaceAll('0', '').length;
}
