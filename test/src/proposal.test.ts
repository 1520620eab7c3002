import assert from 'node:assert/strict';
import { PatchwordError } from '../../src/errors.js';
import { propose, type ProposalQuery } from '../../src/proposal.js';
import { openStore } from '../../src/store/sqlite/store.js';
import type { Store } from '../../src/store/store.js';
import { temporaryFolder } from '../fixture.js';
import { imageRecord, modelOf, unit, upsertTo } from './store/records.js';

/** Captions and, of each, the angle of its image's embedding from the query's: the nearest come first. */
const IMAGES: [string, number][] = [
  ['a fox in the snow', 0.1],
  ['a heron by the water', 0.2],
  ['two otters and a stone', 0.3],
  ['a fox and a heron', 0.4],
  ['a lighthouse at night', 0.5],
];

/** So many others that no word of those above is a common one. */
const OTHERS = 60;

describe('propose', () => {
  const folder = temporaryFolder();
  let store: Store;

  before(async () => {
    store = await openStore({ data: folder.path, name: 'small', create: modelOf(2) });
    const others = Array.from({ length: OTHERS }, (_, i): [string, number] => [`gadget q${i}`, 1 + i / 100]);
    const images = [...IMAGES, ...others].map(([text, angle], i) =>
      imageRecord(i + 1, 2, {
        embedding: unit([Math.cos(angle), Math.sin(angle)]),
        captions: [{ text, embedding: unit([1, 0]) }],
      }),
    );
    const ids = await upsertTo(store, { path: '/pictures', images });
    assert.deepEqual(
      ids,
      images.map((_, i) => i + 1),
    );
  });
  after(() => store.close());

  const query = (changes: Partial<ProposalQuery> = {}): ProposalQuery => ({
    target: 'images',
    text: 'heron fox',
    embedding: unit([1, 0]),
    k: 5,
    sources: ['nearest', 'captions'],
    ...changes,
  });
  const idsOf = async (changes: Partial<ProposalQuery>, from = store) =>
    (await propose(from, query(changes))).proposals.map(({ id }) => id);
  const failing = (error: Error): Store => ({ ...store, captionMatches: () => Promise.reject(error) });

  const texts = [
    '"',
    '""',
    '*',
    'fox*',
    'NEAR(',
    'NEAR(fox heron, 2)',
    'a AND',
    'OR',
    'NOT fox',
    'text:fox',
    '{text}:fox',
  ];
  texts.push(
    '-fox',
    '^fox',
    'fox + heron',
    "fox'; DROP TABLE captions; --",
    '(',
    'fox)',
    '\\',
    '\0',
    '\ud800',
    '💥',
    '!!!',
  );
  for (const text of [...texts, 'fox '.repeat(400)]) {
    it(`takes ${JSON.stringify(text.slice(0, 40))} for words, whatever it means elsewhere`, async () => {
      const { proposals, notes } = await propose(store, query({ text }));
      const hasWords = /\p{L}/u.test(text);
      assert.deepEqual(notes, hasWords ? [] : ['Captions were not searched: The text has no words.']);
      assert.deepEqual(proposals.map(({ id }) => id).sort(), [1, 2, 3, 4, 5]);
      const byWords = proposals.filter(({ sources }) => sources.includes('captions')).map(({ id }) => id);
      for (const word of ['fox', 'heron']) {
        const holding = [1, 2, 3, 4, 5].filter((id) => IMAGES[id - 1][0].includes(word));
        if (text.includes(word)) assert.deepEqual(byWords.filter((id) => holding.includes(id)).sort(), holding);
      }
      if (!hasWords) assert.deepEqual(byWords, []);
    });
  }

  it('goes on without captions where they cannot be searched, and says why', async () => {
    const { proposals, notes } = await propose(failing(new Error('the disk is on fire.')), query());
    assert.deepEqual(notes, ['Captions were not searched: the disk is on fire.']);
    assert.deepEqual(
      proposals.map(({ id, sources }) => [id, sources.join()]),
      [1, 2, 3, 4, 5].map((id) => [id, 'nearest']),
    );
  });

  it('goes on without them where they take too long', async () => {
    const slow: Store = { ...store, captionMatches: () => new Promise(() => {}) };
    const { proposals, notes, captionsMilliseconds } = await propose(slow, query());
    assert.deepEqual(notes, ['Captions were not searched: it took too long.']);
    assert.equal(proposals.length, 5);
    assert.ok(captionsMilliseconds > 100);
  });

  it('passes on why a store did not search captions', async () => {
    const matches = { neighbors: [], commonWords: ['fox'], skipped: 'they are being indexed' };
    const { notes } = await propose({ ...store, captionMatches: () => Promise.resolve(matches) }, query());
    assert.deepEqual(notes, ['Captions were not searched: they are being indexed.']);
  });

  it('fails where captions alone were asked for and cannot be searched', async () => {
    await assert.rejects(propose(failing(new RangeError('no words')), query({ sources: ['captions'] })), RangeError);
  });

  it('fails as the nearest do, with nothing left behind', async () => {
    const broken: Store = {
      ...failing(new Error('captions')),
      nearest: () => Promise.reject(new PatchwordError('MODEL_MISMATCH', 'nearest')),
    };
    await assert.rejects(propose(broken, query()), { code: 'MODEL_MISMATCH' });
    await new Promise((resolve) => setTimeout(resolve, 10)); // an unhandled rejection would end the process
  });

  // Nearest: 1 2 3 4 5. By words: 4 holds both, then 1 and 2, whose one word each is as rare and whose captions are as long.
  //   1: 1/61 + 1/62 = 0.03252    4: 1/64 + 1/61 = 0.03202    2: 1/62 + 1/63 = 0.03200    3: 1/63    5: 1/65
  it('fuses what both propose, and says who proposed what', async () => {
    const { proposals, notes } = await propose(store, query());
    assert.deepEqual(
      proposals.map(({ id, sources }) => [id, sources.join()]),
      [
        [1, 'nearest,captions'],
        [4, 'nearest,captions'],
        [2, 'nearest,captions'],
        [3, 'nearest'],
        [5, 'nearest'],
      ],
    );
    assert.deepEqual(notes, []);
    for (const { id, similarity } of proposals) assert.ok(Math.abs(similarity - Math.cos(IMAGES[id - 1][1])) < 1e-6);
  });

  it('knows the similarity of what words alone propose', async () => {
    const { proposals } = await propose(store, query({ k: 1, text: 'lighthouse', sources: ['captions'] }));
    assert.deepEqual([proposals[0].id, proposals[0].sources], [5, ['captions']]);
    assert.ok(Math.abs(proposals[0].similarity - Math.cos(0.5)) < 1e-6);
  });

  it('gives no more than k of both', async () => {
    assert.deepEqual(await idsOf({ k: 2, text: 'lighthouse' }), [1, 5]);
    assert.deepEqual(await idsOf({ k: 3, text: 'lighthouse' }), [1, 5, 2]);
  });

  it('asks only the sources that it was told', async () => {
    assert.deepEqual(await idsOf({ sources: ['nearest'] }, failing(new Error('asked'))), [1, 2, 3, 4, 5]);
    assert.deepEqual(await idsOf({ sources: ['captions'] }), [4, 1, 2]);
    assert.deepEqual(await idsOf({ text: null, target: 'captions' }, failing(new Error('asked'))), [1, 2, 3, 4, 5]);
  });
});
