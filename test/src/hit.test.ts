import assert from 'node:assert/strict';
import {
  areSources,
  compareCandidates,
  hitOf,
  hydrate,
  withMatchScore,
  type Candidate,
  type Proposal,
} from '../../src/hit.js';
import { openStore } from '../../src/store/sqlite/store.js';
import type { Store, StoredImage } from '../../src/store/store.js';
import { temporaryFolder } from '../fixture.js';
import { neighborsOf, upsertTo } from './store/records.js';

const CALIBRATION = { matchScore: 1, similarity: 10, bias: -5 };

describe('areSources', () => {
  for (const value of [
    undefined,
    null,
    'nearest',
    [],
    ['nearest', 'near'],
    ['captions', null],
    [['nearest']],
    { 0: 'nearest' },
  ]) {
    it(`refuses ${JSON.stringify(value)}`, () => assert.equal(areSources(value), false));
  }
  it('takes one or both', () => {
    for (const value of [['nearest'], ['captions'], ['captions', 'nearest']]) assert.equal(areSources(value), true);
  });
});

describe('compareCandidates', () => {
  const candidate = (id: number, scores: Partial<Candidate>) =>
    ({ id, place: 0, similarity: 0, matchScore: null, matchProbability: null, ...scores }) as Candidate;
  const order = (candidates: Candidate[]) => [...candidates].sort(compareCandidates).map(({ id }) => id);

  it('breaks every tie by id', () => {
    assert.deepEqual(order([3, 1, 2].map((id) => candidate(id, { similarity: 0.5 }))), [1, 2, 3]);
    assert.deepEqual(order([3, 1, 2].map((id) => candidate(id, { matchScore: 1 }))), [1, 2, 3]);
    assert.deepEqual(order([3, 1, 2].map((id) => candidate(id, { matchScore: id, matchProbability: 0.5 }))), [1, 2, 3]);
  });

  it('puts the reranked first, however little they match', () => {
    const reranked = candidate(9, { place: 31, similarity: -1, matchScore: -50, matchProbability: 0 });
    assert.deepEqual(order([candidate(1, { similarity: 0.99 }), reranked]), [9, 1]);
  });

  it('orders the reranked by matchProbability, and by matchScore without a calibration', () => {
    const scores = [
      { similarity: 0.9, matchScore: 1 },
      { similarity: 0.1, matchScore: 4 },
      { similarity: 0.5, matchScore: -2 },
    ];
    const candidates = scores.map((s, i) => candidate(i + 1, { similarity: s.similarity }));
    const rank = (calibration: typeof CALIBRATION | null) =>
      order(candidates.map((c, i) => withMatchScore(c, scores[i].matchScore, calibration)));
    assert.deepEqual(rank(null), [2, 1, 3]);
    assert.deepEqual(rank(CALIBRATION), [1, 2, 3]);
  });

  it('leaves the rest as stage one has them, whatever their similarity', () => {
    const places = [2, 0, 3, 1];
    const rest = places.map((place, i) => candidate(i + 1, { place, similarity: place / 4 }));
    assert.deepEqual(order(rest), [2, 4, 1, 3]);
  });

  it('gives one order, whatever order they come in', () => {
    const candidates = Array.from({ length: 40 }, (_, i) =>
      candidate(i + 1, {
        place: i % 5,
        ...(i % 3 === 0 && { matchScore: i % 4, matchProbability: (i % 4) / 4 }),
      }),
    );
    const expected = order(candidates);
    assert.deepEqual(order([...candidates].reverse()), expected);
    assert.deepEqual(order([...candidates.slice(17), ...candidates.slice(0, 17)]), expected);
  });
});

describe('hydrate', () => {
  const folder = temporaryFolder();
  let store: Store;
  let ids: number[];

  before(async () => {
    const model = { path: '/models/one', hash: 'a', prefilterHash: 'a', dimension: 2, inputSize: '4/2' };
    store = await openStore({ data: folder.path, name: 'small', create: model });
    const picture = (file: string, captions: string[]) => ({
      file,
      location: { file },
      contentHash: file,
      bytes: 1,
      modified: 1,
      width: 10,
      height: 10,
      perceptualHash: null,
      split: captions.length > 0 ? 'test' : null,
      attributes: { year: 2014 },
      embedding: Float32Array.of(1, 0),
      captions: captions.map((text) => ({ text, embedding: Float32Array.of(0, 1) })),
      modelInput: { width: 16, height: 16, pixels: new Uint8Array(3 * 16 * 16) },
    });
    const images = [picture('a.jpg', ['one', 'two']), picture('below/b.jpg', [])];
    ids = await upsertTo(store, { path: '/pictures', images });
    const [{ sourceId }] = await store.sources();
    await store.markMissing({ sourceId, files: ['below/b.jpg'] });
  });
  after(() => store.close());

  const proposal = (id: number, similarity = 0.25): Proposal => ({ id, similarity, sources: ['nearest'] });

  it('leaves out what is not there any more, and keeps the order', async () => {
    const proposals = [ids[1], 4711, ids[0]].map((id) => proposal(id));
    const candidates = await hydrate(store, 'images', proposals);
    assert.deepEqual(
      candidates.map(({ id, place }) => [id, place]),
      [
        [ids[1], 0],
        [ids[0], 2],
      ],
    );
    assert.deepEqual(await hydrate(store, 'captions', [proposal(4711)]), []);
    assert.deepEqual(await hydrate(store, 'images', []), []);
  });

  it('makes hits of images', async () => {
    const proposals = [{ ...proposal(ids[0]), sources: ['nearest' as const, 'captions' as const] }, proposal(ids[1])];
    const [found, gone] = (await hydrate(store, 'images', proposals)).map(hitOf);
    assert.deepEqual(found, {
      imageId: ids[0],
      file: 'a.jpg',
      split: 'test',
      attributes: { year: 2014 },
      missing: false,
      captions: ['one', 'two'],
      similarity: 0.25,
      matchScore: null,
      matchProbability: null,
      sources: ['nearest', 'captions'],
    });
    assert.deepEqual([gone.missing, gone.split, gone.sources], [true, null, ['nearest']]);
  });

  it('makes hits of captions, each with its image', async () => {
    const neighbors = await neighborsOf(store, { target: 'captions', embedding: Float32Array.of(0, 1), k: 9 });
    const proposals = neighbors.map(({ id, similarity }) => proposal(id, similarity));
    const candidates = await hydrate(store, 'captions', proposals);
    const [one, two] = candidates.map((candidate) => hitOf(withMatchScore(candidate, 2, CALIBRATION)));
    assert.deepEqual(one, {
      captionId: neighbors[0].id,
      caption: 'one',
      imageId: ids[0],
      file: 'a.jpg',
      split: 'test',
      attributes: { year: 2014 },
      missing: false,
      similarity: 1,
      matchScore: 2,
      matchProbability: 1 / (1 + Math.exp(-7)),
      sources: ['nearest'],
    });
    assert.ok('caption' in two && two.caption === 'two');
  });

  it('leaves a candidate as it was when a score is added', async () => {
    const [candidate] = await hydrate(store, 'images', [proposal(ids[0])]);
    const scored = withMatchScore(candidate, 3, null);
    assert.equal(candidate.matchScore, null);
    assert.deepEqual([scored.matchScore, scored.matchProbability], [3, null]);
    assert.equal((scored.image satisfies StoredImage).root, '/pictures');
  });
});
