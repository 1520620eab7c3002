import assert from 'node:assert/strict';
import path from 'node:path';
import { AllowedIds } from '../../../../src/store/sqlite/allowed.js';
import { bindModel, Catalog } from '../../../../src/store/sqlite/catalog.js';
import { Places } from '../../../../src/store/sqlite/places.js';
import { createDatabase, openDatabase, type Connection } from '../../../../src/store/sqlite/database.js';
import { CATALOG_STEPS } from '../../../../src/store/sqlite/schema.js';
import { Tables } from '../../../../src/store/sqlite/tables.js';
import { CaptionWords, WORD_LIMITS } from '../../../../src/store/sqlite/words.js';
import { splitBatch } from '../../../../src/store/limits.js';
import { dot } from '../../../../src/vector.js';
import { temporaryFolder } from '../../../fixture.js';
import { imageRecord, modelOf, randomUnit, seededRandom } from '../records.js';

const DIMENSION = 4;
const EMBEDDING = randomUnit(seededRandom(1), DIMENSION);

describe('captions by their words', () => {
  const folder = temporaryFolder();
  let catalogs = 0;
  let database: Connection;
  let tables: Tables;
  let words: CaptionWords;

  beforeEach(() => {
    const file = path.join(folder.path, `${catalogs++}.sqlite`);
    createDatabase(file, CATALOG_STEPS, (created) => bindModel(created, modelOf(DIMENSION)));
    database = openDatabase(file, CATALOG_STEPS);
    database.pragma('foreign_keys = ON');
    const catalog = new Catalog(database);
    tables = new Tables(catalog, database, new Places(folder.path));
    tables.sources.add({ path: '/pictures', root: '/pictures', format: 'folder', options: {} });
    words = new CaptionWords(catalog, database);
  });
  afterEach(() => {
    words.close();
    database.close();
  });

  /** Images with these captions; ids are 1, 2, … in their order. */
  function put(...captions: string[][]): void {
    const images = captions.map((texts, i) =>
      imageRecord(i, DIMENSION, { captions: texts.map((text) => ({ text, embedding: EMBEDDING })) }),
    );
    for (const batch of splitBatch(images)) tables.records.upsert({ sourceId: 1, images: batch });
  }
  const match = (text: string, k = 10, allowed?: AllowedIds) => words.match({ text, embedding: EMBEDDING, k, allowed });
  const idsOf = (text: string, k = 10) => match(text, k).neighbors.map(({ id }) => id);

  const HOSTILE = [
    '"',
    '""',
    '" OR text : dog',
    'text : dog',
    '- text : dog',
    '{text} : dog',
    'dog*',
    '^dog',
    'NEAR(dog cat, 5)',
    'dog AND cat',
    'NOT dog',
    '(dog',
    'dog)',
    "dog'); DROP TABLE captions; --",
    'dog\0cat',
    'dog + cat',
    '\\"dog\\"',
    'dog\ud800cat',
  ];
  for (const text of HOSTILE) {
    it(`takes no syntax from a text: ${JSON.stringify(text)}`, () => {
      put(['a dog'], ['a cat'], ['near text'], ['a bird']);
      const found = idsOf(text);
      assert.deepEqual(found.includes(1), text.includes('dog'));
      assert.deepEqual(found.includes(2), text.includes('cat'));
      assert.ok(!found.includes(4));
    });
  }

  it('says so where a text has no words', () => {
    put(['a dog']);
    for (const text of ['', '  ', '"*"', '…!?', '🐕', '\0', '\ud800']) {
      assert.deepEqual(match(text), { neighbors: [], commonWords: [], skipped: 'The text has no words.' });
    }
    assert.deepEqual(match('zebra'), { neighbors: [], commonWords: [], skipped: null });
  });

  it('looks at so many words and characters of a text, and no more', () => {
    put(['dog'], ['cat']);
    const others = Array.from({ length: WORD_LIMITS.words - 1 }, (_, i) => `w${i}`).join(' ');
    assert.deepEqual(idsOf(`${others} dog cat`), [1]);
    assert.deepEqual(idsOf('x'.repeat(1e6) + ' dog'), []);
    assert.deepEqual(idsOf('dog '.repeat(1e6)), [1]);
    assert.deepEqual(idsOf(`${'dog '.repeat(1e6)} cat`), [1]);
  });

  it('finds words whatever their case and accents, in any script', () => {
    put(['Ein Café in ZÜRICH'], ['собака на пляже'], ['海辺の犬'], ['x1 42']);
    assert.deepEqual(idsOf('CAFE zurich'), [1]);
    assert.deepEqual(idsOf('Cafe\u0301'), [1]);
    assert.deepEqual(idsOf('СОБАКА'), [2]);
    assert.deepEqual(idsOf('海辺の犬'), [3]);
    assert.deepEqual(idsOf('42'), [4]);
  });

  it('ranks by rare words, more words and shorter captions, each image by its best caption, ties by id', () => {
    put(
      ['a dog on grass', 'a dog'],
      ['a dog beside a zebra', 'nothing'],
      ['a dog and a cat and a bird and a horse'],
      ['a dog beside a zebra'],
      ['a dog'],
      ['a bird'],
    );
    assert.deepEqual(idsOf('dog zebra'), [2, 4, 1, 5, 3]);
    assert.deepEqual(idsOf('dog zebra', 3), [2, 4, 1]);
    assert.deepEqual(idsOf('dog dog dog'), [1, 5, 2, 4, 3]);
  });

  it('says the cosine of image and query', () => {
    put(['a dog'], ['a dog']);
    for (const { id, similarity } of match('dog').neighbors)
      assert.equal(similarity, dot(EMBEDDING, imageRecord(id - 1, DIMENSION).embedding));
  });

  it('leaves out images that are not searchable', () => {
    put(['a dog'], ['a dog'], ['a dog']);
    database.prepare("UPDATE images SET embedding = x'', revision = 0 WHERE id = 1").run();
    assert.deepEqual(idsOf('dog', 2), [2, 3]);
  });

  it('looks at the captions that are allowed alone', () => {
    put(...Array.from({ length: 200 }, (_, i) => [`dog ${i}`]));
    const { neighbors } = match('dog', 5, new AllowedIds([150, 151, 7, 9999]));
    assert.deepEqual(
      neighbors.map(({ id }) => id),
      [7, 150, 151],
    );
  });

  it('finds k images though many captions are of one', () => {
    put(
      Array.from({ length: 100 }, (_, i) => `dog ${i}`),
      ['a dog in the long grass'],
      ['another dog in the long grass'],
    );
    assert.deepEqual(idsOf('dog', 3), [1, 2, 3]);
  });

  it('follows captions that come and go', () => {
    put(['a dog'], ['a cat']);
    tables.removal.removeImages([1]);
    assert.deepEqual(idsOf('dog cat'), [2]);
    tables.records.upsert({
      sourceId: 1,
      images: [imageRecord(1, DIMENSION, { captions: [{ text: 'a horse', embedding: EMBEDDING }] })],
    });
    assert.deepEqual(idsOf('dog cat horse'), [2]);
    assert.deepEqual(idsOf('cat'), []);
  });

  it('keeps every word of a small collection, and leaves out common ones of a large one', () => {
    const captions = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => [`a ${i % 5 === 0 ? 'dog' : 'cat'} number ${from + i}`]);
    const small = WORD_LIMITS.keepAllBelow - 1;
    put(...captions(0, small));
    assert.deepEqual(match('a dog number 500').commonWords, []);
    assert.equal(idsOf('a dog number 500')[0], 501);
    put(...captions(0, small + 1));
    const { neighbors, commonWords, skipped } = match('A dog, number 500', 3);
    assert.deepEqual(commonWords, ['a', 'dog', 'number']);
    assert.deepEqual([neighbors.map(({ id }) => id), skipped], [[501], null]);
    assert.deepEqual(match('a dog'), {
      neighbors: [],
      commonWords: ['a', 'dog'],
      skipped: 'Too many captions hold each of the words.',
    });
  });

  it('splits a text as the catalog splits captions', () => {
    const texts = [
      "It's a dog-cat, isn’t it?",
      'e\u0301té ÉTÉ',
      'x_y 3.14 № ½ ﬁ',
      'ＡＢＣ ｶﾅ',
      '中文字 한국어',
      'a\u200db',
      'I\u0307',
    ];
    put(texts);
    database.exec("CREATE VIRTUAL TABLE temp.instances USING fts5vocab(main, caption_words, 'instance')");
    const stored = database.prepare<[], string>('SELECT DISTINCT term FROM temp.instances').pluck().all();
    assert.ok(stored.length > 15);
    for (const term of stored) assert.deepEqual(idsOf(term), [1], term);
    for (const text of texts) assert.deepEqual(idsOf(text), [1], text);
  });
});
