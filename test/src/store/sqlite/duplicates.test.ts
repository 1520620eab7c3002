import assert from 'node:assert/strict';
import path from 'node:path';
import { bindModel, Catalog } from '../../../../src/store/sqlite/catalog.js';
import { Places } from '../../../../src/store/sqlite/places.js';
import { createDatabase, openDatabase } from '../../../../src/store/sqlite/database.js';
import { CATALOG_STEPS } from '../../../../src/store/sqlite/schema.js';
import { Tables } from '../../../../src/store/sqlite/tables.js';
import { temporaryFolder } from '../../../fixture.js';
import { imageRecord, modelOf, seededRandom } from '../records.js';

const BITS = 64;

describe('near duplicates', () => {
  const folder = temporaryFolder();
  let catalogs = 0;
  let tables: Tables;
  let images = 0;
  let close: () => void;

  beforeEach(() => {
    const file = path.join(folder.path, `${catalogs++}.sqlite`);
    createDatabase(file, CATALOG_STEPS, (database) => bindModel(database, modelOf(2)));
    const database = openDatabase(file, CATALOG_STEPS);
    database.pragma('journal_mode = MEMORY');
    database.pragma('synchronous = OFF'); // Thousands of transactions that no one will miss.
    tables = new Tables(new Catalog(database), database, new Places(folder.path));
    tables.sources.add({ path: '/', root: '/', format: 'folder', options: {} });
    close = () => void database.close();
    images = 0;
  });
  afterEach(() => close());

  const add = (hashes: Uint16Array[]) =>
    tables.records.upsert({
      sourceId: 1,
      images: hashes.map((perceptualHash) => imageRecord(images++, 2, { perceptualHash, captions: [] })),
    });
  const pairs = () => tables.duplicates.page({ after: null, limit: 1e6 });
  const randomHash = (random: () => number) => Uint16Array.from({ length: 4 }, () => random() * 65536);
  function flip(hash: Uint16Array, bits: number[]): Uint16Array {
    const flipped = hash.slice();
    for (const bit of bits) flipped[bit >> 4] ^= 1 << (bit & 15);
    return flipped;
  }

  for (const [place, others, threes] of [
    ['alone', 0, 3000],
    ['where many others have a word in common', 40, 500],
  ] as const) {
    it(`are found at every one or two bits that may differ, and at three anywhere, ${place}`, () => {
      const random = seededRandom(1);
      const hash = randomHash(random);
      const patterns: number[][] = [];
      for (let a = 0; a < BITS; a++) {
        patterns.push([a]);
        for (let b = 0; b < a; b++) patterns.push([a, b]);
      }
      for (let i = 0; i < threes; i++) {
        const bits = new Set<number>();
        while (bits.size < 3) bits.add(Math.floor(random() * BITS));
        patterns.push([...bits]);
      }
      const withWord = (word: number) => randomHash(random).map((value, at) => (at === word ? hash[word] : value));
      for (let word = 0; word < 4; word++) add(Array.from({ length: others }, () => withWord(word)));
      // Each pattern as an image of its own, taken away again: the others would be near it too.
      const [original] = add([hash]);
      for (const bits of patterns) {
        const [id] = add([flip(hash, bits)]);
        assert.deepEqual(pairs(), [{ imageId: original, otherId: id, distance: bits.length }], bits.join());
        tables.removal.removeImages([id]);
      }
    });
  }

  it('are not found at four bits', () => {
    const random = seededRandom(2);
    for (let i = 0; i < 200; i++) {
      const hash = randomHash(random);
      const bits = new Set<number>();
      while (bits.size < 4) bits.add(Math.floor(random() * BITS));
      add([hash, flip(hash, [...bits])]);
    }
    assert.deepEqual(pairs(), []);
  });

  it('stay linked with one another where those that were linked with all of them go', () => {
    const flat = Uint16Array.from([1, 2, 3, 4]);
    const ids = Array.from({ length: 60 }, () => add([flat])[0]);
    tables.removal.removeImages(ids.slice(0, 32));
    const left = new Set(pairs().flatMap(({ imageId, otherId }) => [imageId, otherId]));
    assert.deepEqual([...left].sort(), ids.slice(32).sort());
    tables.removal.removeImages(ids.slice(32));
    assert.deepEqual(pairs(), []);
    const many = Array.from({ length: 200 }, () => add([flat])[0]);
    for (const id of many.slice(0, 100)) tables.removal.removeImages([id]);
    assert.deepEqual([...tables.duplicates.unlinked()], []);
  });

  it('are linked in bounded number, however many flat pictures there are, the nearest first', () => {
    const flat = new Uint16Array(4);
    add(Array.from({ length: 500 }, () => flat));
    const all = pairs();
    assert.ok(all.length >= 499 && all.length <= 32 * 500, `${all.length} links`);
    const linked = new Set(all.flatMap(({ imageId, otherId }) => [imageId, otherId]));
    assert.equal(linked.size, 500, 'each has one');
    const [close, far] = add([flip(flat, [3]), flip(flat, [9, 40, 60])]);
    const linksOf = (id: number) => pairs().filter(({ imageId, otherId }) => imageId === id || otherId === id);
    assert.ok(linksOf(close).length > 0 && linksOf(close).length <= 32);
    assert.ok(linksOf(close).every(({ distance }) => distance === 1));
    assert.ok(linksOf(far).length > 0);
  });
});
