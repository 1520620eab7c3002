import type { NearDuplicate, Store } from '../store.js';
import { column, type Connection } from './database.js';

/**
 * Bits, of 64, in which the hashes of two images may differ for the images to count as nearly the same. Copies of a
 * picture in another size or quality differ in none to three; with three, finding them needs no more than four indexes.
 * (Manku, Jain, Das Sarma, "Detecting near-duplicates for web crawling", 2007, chose three of 64 bits for both reasons.)
 */
export const MAX_DISTANCE = 3;

/**
 * The most candidates that one look-up reads, the most links that one new image gets, and of how many images it is looked whether
 * they lack a link when one goes: of flat pictures, which all have the same hash, there may be any number. Those few, linked
 * with one another, are more than one image has links.
 */
const BOUNDS = { candidates: 256, links: 32, crowd: 40 } as const;

/** Where no more images than this have a word of the hash, reading them all is quicker than asking for the values that may follow it. */
const FEW = 32;

const WORDS = [0, 1, 2, 3] as const;

/** Images that are linked anew between two looks for more. */
const PAGE = 1000;

/** An image and the four words of its hash. */
type HashRow = [id: number, ...words: number[]];

/** Links between images that look nearly the same. Its methods but `page` run within a transaction. */
export class Duplicates {
  private readonly sql;

  constructor(database: Connection) {
    this.sql = statements(database);
  }

  page({ after, limit }: Parameters<Store['nearDuplicates']>[0]): NearDuplicate[] {
    return this.sql.page.all(after?.imageId ?? 0, after?.otherId ?? 0, limit);
  }

  /** Links an image of this hash with those that are there, and with no others. */
  link(imageId: number, hash: Uint16Array | null): void {
    const crowd = this.crowdOf(imageId);
    this.sql.unlink.run({ imageId });
    if (hash) this.add(imageId, hash);
    this.relink(crowd);
  }

  /** Links all images anew. */
  linkAll(): void {
    this.sql.unlinkAll.run();
    for (const [id, hash] of this.hashes()) this.add(id, hash);
  }

  /** Of the images that are linked with this one, those that have as many links as one gets: once it goes, they lack one. */
  crowdOf(imageId: number): number[] {
    return this.sql.some.all({ imageId }).filter((id) => this.sql.some.all({ imageId: id }).length >= BOUNDS.links);
  }

  /** Gives images, as far as they are still there, the links that they lack. */
  relink(imageIds: Iterable<number>): void {
    for (const id of imageIds) {
      const [row] = this.sql.hashOf.all(id);
      if (row) this.add(id, Uint16Array.from(row.slice(1)));
    }
  }

  private add(imageId: number, hash: Uint16Array): void {
    for (const { id, distance } of this.near(imageId, hash)) {
      this.sql.link.run(Math.min(id, imageId), Math.max(id, imageId), distance);
    }
  }

  /** Pairs that should be linked and are not, the lower id first. Of an image that has as many links as one gets, none. */
  *unlinked(): Generator<[number, number]> {
    for (const [id, hash] of this.hashes()) {
      const linked = new Set(this.sql.linked.all({ imageId: id }));
      if (linked.size >= BOUNDS.links) continue;
      for (const { id: other } of this.near(id, hash)) {
        if (other < id || linked.has(other)) continue;
        if (this.sql.linked.all({ imageId: other }).length < BOUNDS.links) yield [id, other];
      }
    }
  }

  /** The nearest first. */
  private near(imageId: number, hash: Uint16Array): { id: number; distance: number }[] {
    return [...this.candidates(hash)]
      .filter(({ id, distance }) => id !== imageId && distance <= MAX_DISTANCE)
      .sort((a, b) => a.distance - b.distance || a.id - b.id)
      .slice(0, BOUNDS.links);
  }

  private *hashes(): Generator<[id: number, hash: Uint16Array]> {
    for (let after = 0; ;) {
      const page = this.sql.hashes.all(after, PAGE);
      for (const [id, ...words] of page) yield [id, Uint16Array.from(words)];
      const last = page.at(-1);
      if (!last) return;
      after = last[0];
    }
  }

  /**
   * With the words in a ring, three different bits always leave a word that is equal and is followed by one that differs in
   * a bit at most. So each index, which begins with a word and the one that follows, is asked for 17 values of 32 bits, unless
   * few images have the word.
   */
  private *candidates(hash: Uint16Array): Generator<{ id: number; distance: number }> {
    const found = new Map<number, HashRow>();
    for (const row of this.sql.same.all(...hash, BOUNDS.links + 1)) found.set(row[0], row);
    for (const word of WORDS) {
      const few = this.sql.having[word].all(hash[word], FEW + 1);
      if (few.length <= FEW) {
        for (const row of few) found.set(row[0], row);
        continue;
      }
      const following = hash[(word + 1) % 4];
      const values = [following, ...Array.from({ length: 16 }, (_, bit) => following ^ (1 << bit))];
      for (const row of this.sql.near[word].all(hash[word], ...values, BOUNDS.candidates)) found.set(row[0], row);
    }
    for (const [id, ...words] of found.values()) {
      yield { id, distance: words.reduce((sum, word, i) => sum + bitCount(word ^ hash[i]), 0) };
    }
  }
}

/** Bits set in a whole number of 16 bits. */
export function bitCount(value: number): number {
  let bits = 0;
  for (let left = value; left > 0; left &= left - 1) bits++;
  return bits;
}

const LINKED = `SELECT other_id FROM near_duplicates WHERE image_id = :imageId
  UNION ALL SELECT image_id FROM near_duplicates WHERE other_id = :imageId`;

function statements(database: Connection) {
  const rows = (source: string) => database.prepare<number[], HashRow>(source).raw();
  const hashes = 'SELECT id, hash0, hash1, hash2, hash3 FROM images';
  return {
    page: database.prepare<[number, number, number], NearDuplicate>(
      `SELECT image_id AS imageId, other_id AS otherId, distance FROM near_duplicates
       WHERE (image_id, other_id) > (?, ?) ORDER BY image_id, other_id LIMIT ?`,
    ),
    same: rows(
      `${hashes} INDEXED BY images_by_hash0 WHERE hash0 = ? AND hash1 = ? AND hash2 = ? AND hash3 = ? LIMIT ?`,
    ),
    having: WORDS.map((word) => rows(`${hashes} INDEXED BY images_by_hash${word} WHERE hash${word} = ? LIMIT ?`)),
    near: WORDS.map((word) =>
      rows(
        `${hashes} INDEXED BY images_by_hash${word}
         WHERE hash${word} = ? AND hash${(word + 1) % 4} IN (${Array(17).fill('?').join(', ')}) LIMIT ?`,
      ),
    ),
    hashes: rows(`${hashes} WHERE id > ? AND hash0 IS NOT NULL ORDER BY id LIMIT ?`),
    unlinkAll: database.prepare<[]>('DELETE FROM near_duplicates'),
    link: database.prepare<[number, number, number]>(
      'INSERT OR REPLACE INTO near_duplicates (image_id, other_id, distance) VALUES (?, ?, ?)',
    ),
    hashOf: rows(`${hashes} WHERE id = ? AND hash0 IS NOT NULL`),
    linked: column<[{ imageId: number }], number>(database, LINKED),
    some: column<[{ imageId: number }], number>(database, `${LINKED} LIMIT ${BOUNDS.crowd}`),
    unlink: database.prepare<[{ imageId: number }]>(
      'DELETE FROM near_duplicates WHERE image_id = :imageId OR other_id = :imageId',
    ),
  };
}
