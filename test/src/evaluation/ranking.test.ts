import assert from 'node:assert/strict';
import { planPairs } from '../../../src/evaluation/plan.js';
import { type Embeddings, propose } from '../../../src/evaluation/proposal.js';
import type { Matching } from '../../../src/evaluation/protocol.js';
import { type Evidence, outcomesOf, rerank } from '../../../src/evaluation/ranking.js';
import type { Ranking } from '../../../src/evaluation/result.js';
import { Scores } from '../../../src/evaluation/scores.js';

const only = (relevant: number) => (item: number) => item === relevant;

describe('propose', () => {
  it('takes the most similar, equal ones in their order', () => {
    const { candidates, similarities, ranks } = propose(Float32Array.of(1, 5, 3, 5, 2), only(2), 3);
    assert.deepEqual([...candidates], [1, 3, 2]);
    assert.deepEqual([...similarities], [5, 5, 3]);
    assert.deepEqual(ranks, [3]);
  });

  it('proposes a relevant item last of those that are as similar, so that k says what recall@k says', () => {
    const similarities = Float32Array.of(1, 1, 1, 1);
    for (let count = 1; count <= 4; count++) {
      const { candidates, ranks } = propose(similarities, only(0), count);
      assert.equal([...candidates].includes(0), ranks[0] <= count);
    }
    assert.deepEqual([...propose(similarities, only(0), 4).candidates], [1, 2, 3, 0]);
  });

  it('of more than there are is all, and of none nothing', () => {
    assert.equal(propose(Float32Array.of(1, 2), only(0), 32).candidates.length, 2);
    assert.equal(propose(Float32Array.of(), only(0), 32).candidates.length, 0);
  });
});

describe('rerank', () => {
  it('puts what is scored in the order of scores, before the rest as the prefilter had it', () => {
    // Of relevant items at 2, 5 and 9, the first two are among six candidates; by score they are third and first.
    assert.deepEqual(
      rerank([2, 5, 9], [8, 7, 1, 2, 9, 3], (at) => at === 1 || at === 4),
      [1, 3, 9],
    );
  });
});

describe('rankings', () => {
  // Two texts a picture, three pictures; a pair's score is by hand.
  const texts = [0, 1, 2, 3, 4, 5].map((id) => ({ id, image: Math.floor(id / 2) }));
  const pictures = [0, 1, 2].map((id) => ({ id, image: id }));
  const toImages: Matching = { fold: 0, direction: 'text-to-image', queries: texts, items: pictures };
  const toTexts: Matching = { fold: 0, direction: 'image-to-text', queries: pictures, items: texts };
  const match = [
    [9, 1, 2],
    [5, 5, 1],
    [0, 3, 4],
    [1, 2, 1],
    [7, 7, 7],
    [1, 8, 2],
  ]; // [text][picture]
  const similarity = [
    [0.9, 0.1, 0.2],
    [0.5, 0.6, 0.1],
    [0.2, 0.9, 0.8],
    [0.9, 0.1, 0.2],
    [0.3, 0.3, 0.3],
    [0.1, 0.2, 0.9],
  ];
  const scores = new Scores();
  scores.add({
    texts: Uint32Array.from(match.flatMap((row, text) => row.map(() => text))),
    pictures: Uint32Array.from(match.flatMap((row) => row.map((_, picture) => picture))),
    scores: Float32Array.from(match.flat()),
  });
  const none: Embeddings = { data: new Float32Array(0), dimension: 0 };
  const evidence: Evidence = { scores, texts: none, pictures: none, calibration: null };
  const proposeFor = (matching: Matching, count: number) =>
    matching.queries.map((query, q) =>
      propose(
        Float32Array.from(matching.items, (_, item) =>
          matching.direction === 'text-to-image' ? similarity[q][item] : similarity[item][q],
        ),
        (item) => matching.items[item].image === query.image,
        count,
      ),
    );
  const ranks = (matching: Matching, ranking: Ranking) =>
    outcomesOf({ matching, proposals: proposeFor(matching, 2) }, ranking, evidence).map(({ rank }) => rank);

  it('agree with tables made by hand, in both directions', () => {
    const prefilter: Ranking = { stage: 'prefilter', candidates: null, order: 'similarity' };
    const exhaustive: Ranking = { stage: 'exhaustive', candidates: null, order: 'matchScore' };
    const two: Ranking = { stage: 'two-stage', candidates: 2, order: 'matchScore' };
    assert.deepEqual(ranks(toImages, prefilter), [1, 2, 1, 3, 3, 1]);
    assert.deepEqual(ranks(toImages, exhaustive), [1, 2, 2, 1, 3, 2]);
    // text 1 ties with picture 1; text 3 is not a candidate of its picture; text 5's candidates are pictures 2 and 1
    assert.deepEqual(ranks(toImages, two), [1, 2, 2, 3, 3, 2]);
    // picture 0: 9* 5* 0 1 7 1; picture 1: 1 5 3* 2* 7 8; picture 2: 2 1 4 1 7* 2*
    assert.deepEqual(ranks(toTexts, exhaustive), [1, 4, 1]);
    const [first] = outcomesOf({ matching: toTexts, proposals: null }, exhaustive, evidence);
    assert.equal(first.precision, 1 / 2); // ranks 1 and 3 of two
  });

  it('with one candidate find at first what the prefilter finds', () => {
    const one: Ranking = { stage: 'two-stage', candidates: 1, order: 'matchScore' };
    const prefilter: Ranking = { stage: 'prefilter', candidates: null, order: 'similarity' };
    for (const matching of [toImages, toTexts]) assert.deepEqual(ranks(matching, one), ranks(matching, prefilter));
  });

  it('want each pair once, whichever direction wants it', () => {
    const wanted = [toImages, toTexts].map((matching) => ({ matching, proposals: proposeFor(matching, 1) }));
    const plan = planPairs(wanted, { exhaustive: false, pictures: 3, scores: new Scores() });
    // Texts propose pictures 0, 1, 1, 0, 0 (all are as similar: the first that is not its own) and 2; pictures texts 3, 2 and 5.
    assert.deepEqual(
      plan.missing.map(({ picture, texts: own }) => [picture, ...own]),
      [
        [0, 0, 3, 4],
        [1, 1, 2],
        [2, 5],
      ],
    );
    assert.equal(plan.pairs, 6);
    const all = planPairs(wanted, { exhaustive: true, pictures: 3, scores: new Scores() });
    assert.equal(all.pairs, 18);
    assert.deepEqual(planPairs(wanted, { exhaustive: true, pictures: 3, scores }), { pairs: 18, missing: [] });
  });
});
