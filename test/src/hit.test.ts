import assert from 'node:assert/strict';
import { compareCandidates, hitOf, hydrate, withMatchScore, type Candidate } from '../../src/hit.js';
import { openStore } from '../../src/store/sqlite/store.js';
import type { Store, StoredImage } from '../../src/store/store.js';
import { temporaryFolder } from '../fixture.js';
import { neighborsOf, upsertTo } from './store/records.js';

const CALIBRATION = { matchScore: 1, similarity: 10, bias: -5 };

describe('compareCandidates', () => {
  const candidate = (id: number, scores: Partial<Candidate>) =>
    ({ id, similarity: 0, matchScore: null, matchProbability: null, ...scores }) as Candidate;
  const order = (candidates: Candidate[]) => [...candidates].sort(compareCandidates).map(({ id }) => id);

  it('breaks every tie by id', () => {
    assert.deepEqual(order([3, 1, 2].map((id) => candidate(id, { similarity: 0.5 }))), [1, 2, 3]);
    assert.deepEqual(order([3, 1, 2].map((id) => candidate(id, { matchScore: 1 }))), [1, 2, 3]);
    assert.deepEqual(order([3, 1, 2].map((id) => candidate(id, { matchScore: id, matchProbability: 0.5 }))), [1, 2, 3]);
  });

  it('puts the reranked first, however little they match', () => {
    const reranked = candidate(9, { similarity: -1, matchScore: -50, matchProbability: 0 });
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

  it('orders the rest by similarity', () => {
    const similarities = [0.2, 0.9, -0.3, 0.5];
    assert.deepEqual(order(similarities.map((similarity, i) => candidate(i + 1, { similarity }))), [2, 4, 1, 3]);
  });

  it('gives one order, whatever order they come in', () => {
    const candidates = Array.from({ length: 40 }, (_, i) =>
      candidate(i + 1, {
        similarity: (i % 5) / 5,
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
      split: null,
      attributes: {},
      embedding: Float32Array.of(1, 0),
      captions: captions.map((text) => ({ text, embedding: Float32Array.of(0, 1) })),
      modelInput: { width: 16, height: 16, pixels: new Uint8Array(3 * 16 * 16) },
    });
    const images = [picture('a.jpg', ['one', 'two']), picture('below/b.jpg', [])];
    ids = await upsertTo(store, { path: '/pictures', images });
  });
  after(() => store.close());

  it('leaves out what is not there any more, and keeps the order', async () => {
    const neighbors = [ids[1], 4711, ids[0]].map((id) => ({ id, similarity: 0.5 }));
    const candidates = await hydrate(store, 'images', neighbors);
    assert.deepEqual(
      candidates.map(({ id }) => id),
      [ids[1], ids[0]],
    );
    assert.deepEqual(await hydrate(store, 'captions', [{ id: 4711, similarity: 1 }]), []);
    assert.deepEqual(await hydrate(store, 'images', []), []);
  });

  it('makes hits of images', async () => {
    const [candidate] = await hydrate(store, 'images', [{ id: ids[0], similarity: 0.25 }]);
    assert.deepEqual(hitOf(candidate), {
      imageId: ids[0],
      file: 'a.jpg',
      captions: ['one', 'two'],
      similarity: 0.25,
      matchScore: null,
      matchProbability: null,
      sources: ['nearest'],
    });
  });

  it('makes hits of captions, each with its image', async () => {
    const neighbors = await neighborsOf(store, { target: 'captions', embedding: Float32Array.of(0, 1), k: 9 });
    const candidates = await hydrate(store, 'captions', neighbors);
    const [one, two] = candidates.map((candidate) => hitOf(withMatchScore(candidate, 2, CALIBRATION)));
    assert.deepEqual(one, {
      captionId: neighbors[0].id,
      caption: 'one',
      imageId: ids[0],
      file: 'a.jpg',
      similarity: 1,
      matchScore: 2,
      matchProbability: 1 / (1 + Math.exp(-7)),
      sources: ['nearest'],
    });
    assert.ok('caption' in two && two.caption === 'two');
  });

  it('leaves a candidate as it was when a score is added', async () => {
    const [candidate] = await hydrate(store, 'images', [{ id: ids[0], similarity: 0.25 }]);
    const scored = withMatchScore(candidate, 3, null);
    assert.equal(candidate.matchScore, null);
    assert.deepEqual([scored.matchScore, scored.matchProbability], [3, null]);
    assert.equal((scored.image satisfies StoredImage).root, '/pictures');
  });
});
