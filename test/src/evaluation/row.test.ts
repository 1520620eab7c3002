import assert from 'node:assert/strict';
import { relevantRanks, averagePrecisionAtR } from '../../../src/metrics.js';
import type { Outcome } from '../../../src/evaluation/ranking.js';
import type { Direction } from '../../../src/evaluation/names.js';
import type { Ranking, Row } from '../../../src/evaluation/result.js';
import { addRsum, differencesOf, rowOf, suggestionsOf } from '../../../src/evaluation/row.js';

const COST = { pairs: 0, pairsAQuery: 0, millisecondsAQuery: 0, seconds: 0 };
const PREFILTER: Ranking = { stage: 'prefilter', candidates: null, order: 'similarity' };
const EXHAUSTIVE: Ranking = { stage: 'exhaustive', candidates: null, order: 'matchScore' };
const twoStage = (candidates: number, order: 'matchScore' | 'calibrated' = 'matchScore'): Ranking => ({
  stage: 'two-stage',
  candidates,
  order,
});

/** A row of queries whose relevant items have these ranks; each query is of an image of its own. */
function row(ranks: number[][][], options: { ranking?: Ranking; direction?: Direction } = {}): Row {
  const { ranking = PREFILTER, direction = 'image-to-text' } = options;
  const folds = ranks.map((fold) =>
    fold.map((own): Outcome => ({ rank: own[0], precision: averagePrecisionAtR(own) })),
  );
  const images = folds.flat().map((_, query) => query);
  return rowOf({ direction, ranking, folds, images, gallery: 10, ceiling: null, cost: COST });
}

const figures = (one: Row) => [one['R@1'], one['R@5'], one['R@10'], one.medianRank, one.meanRank, one['mAP@R']];

describe('rowOf', () => {
  // Four images of five captions each, 20 items; scores by hand, ties among them. * marks an image's own captions.
  const galleries: [scores: number[], own: number[]][] = [
    // 9* 8 7* 6 5* 4 3* 2 1*, the rest 0: ranks 1, 3, 5, 7, 9; AP@5 = (1/1 + 2/3 + 3/5) / 5 = 34/75
    [
      [9, 8, 7, 6, 5, 4, 3, 2, 1, ...Array<number>(11).fill(0)],
      [0, 2, 4, 6, 8],
    ],
    // all the same: 15 others go first: ranks 16 to 20; AP@5 = 0
    [Array<number>(20).fill(1), [3, 4, 5, 6, 7]],
    // 3* 3* 3 2* 2 2 1*, one -1*: 3 goes first: ranks 2, 3, 6, 7, 20; AP@5 = (1/2 + 2/3) / 5 = 7/30
    [
      [3, 3, 3, 2, 2, 2, 1, ...Array<number>(12).fill(0), -1],
      [0, 1, 3, 6, 19],
    ],
    // all five on top: ranks 1 to 5; AP@5 = 1
    [
      [...Array<number>(15).fill(0), 5, 5, 5, 5, 5],
      [15, 16, 17, 18, 19],
    ],
  ];
  const ranks = galleries.map(([scores, own]) => relevantRanks(scores, (item) => own.includes(item)));

  it('agrees to the last digit with a table made by hand: image to text, five captions, ties', () => {
    assert.deepEqual(ranks, [
      [1, 3, 5, 7, 9],
      [16, 17, 18, 19, 20],
      [2, 3, 6, 7, 20],
      [1, 2, 3, 4, 5],
    ]);
    // best ranks 1, 16, 2, 1
    assert.deepEqual(figures(row([ranks])), [50, 75, 75, 1.5, 5, (100 * (34 / 75 + 0 + 7 / 30 + 1)) / 4]);
  });

  it('agrees with a table made by hand: text to image, one image each', () => {
    // ranks 1, 1, 2, 6, 11 of five texts
    const one = row([[[1], [1], [2], [6], [11]]], { direction: 'text-to-image' });
    assert.deepEqual(figures(one), [40, 60, 80, 2, 4.2, 40]);
    assert.deepEqual(one.ranks, [1, 1, 2, 6, 11]);
    assert.equal(one.queries, 5);
  });

  it('of one image is all or nothing', () => {
    assert.deepEqual(figures(row([[[1, 2, 3, 4, 5]]])), [100, 100, 100, 1, 1, 100]);
    assert.deepEqual(figures(row([[[7]]])), [0, 0, 100, 7, 7, 0]);
    assert.deepEqual(row([[[1]]]).intervals['R@1'], [100, 100]);
  });

  it('of an empty split has no figures, and no NaN that JSON would make null unasked', () => {
    const empty = row([[]]);
    assert.deepEqual(figures(empty), [null, null, null, null, null, null]);
    assert.equal(empty.intervals['R@1'], null);
    assert.deepEqual(row([]).ranks, []);
  });

  it('of several folds is the mean of the folds, whatever their sizes', () => {
    // 100, 50 and 0 %; over all five queries it would be 40
    const folds = row([[[1], [1]], [[1], [3]], [[20]]].map((fold) => fold.slice()));
    assert.deepEqual(figures(folds), [50, 200 / 3, 200 / 3, (1 + 2 + 20) / 3, (1 + 2 + 20) / 3, 50]);
  });
});

describe('addRsum', () => {
  it('adds the six recalls of a ranking in both directions', () => {
    const rows = [
      row([[[1], [6]]], { direction: 'text-to-image' }),
      row([[[2], [11]]], { direction: 'image-to-text' }),
      row([[[1]]], { direction: 'image-to-text', ranking: EXHAUSTIVE }),
    ];
    addRsum(rows);
    assert.deepEqual(
      rows.map(({ rsum }) => rsum),
      [50 + 50 + 100 + 0 + 50 + 50, 300, null],
    );
  });
});

describe('differencesOf', () => {
  const images = { 'text-to-image': [], 'image-to-text': [...Array(40).keys()] };
  const found = (hits: number) => [Array.from({ length: 40 }, (_, query) => [query < hits ? 1 : 2])];

  it('is paired: where the same queries fail, an interval is narrower than those of the rows', () => {
    const rows = [row(found(30), { ranking: twoStage(5) }), row(found(32), { ranking: EXHAUSTIVE })];
    const difference = differencesOf(rows, images).find(({ metric }) => metric === 'R@1')!;
    assert.deepEqual([difference.of, difference.against], [twoStage(5), EXHAUSTIVE]);
    assert.equal(difference.points, -5);
    const [low, high] = difference.interval!;
    const [rowLow, rowHigh] = rows[0].intervals['R@1']!;
    assert.ok(low <= -5 && high >= -5 && high <= 0, `${low} to ${high}`);
    assert.ok(high - low < (rowHigh - rowLow) / 1.5);
  });

  it('compares with exhaustive, else with the most candidates; the prefilter with match scores', () => {
    const against = (rows: Row[]) => differencesOf(rows, images).map((one) => [one.of, one.against]);
    const [few, more] = [twoStage(1), twoStage(5)].map((ranking) => row(found(20), { ranking }));
    assert.deepEqual(
      against([row(found(10)), few, more]).filter((_, i) => i % 3 === 0),
      [
        [PREFILTER, twoStage(5)],
        [twoStage(1), twoStage(5)],
      ],
    );
  });

  it('compares calibrated rows with each other and with the same by match score', () => {
    const rows = [twoStage(5), twoStage(5, 'calibrated'), twoStage(9), twoStage(9, 'calibrated')];
    const compared = differencesOf(
      rows.map((ranking) => row(found(20), { ranking })),
      images,
    ).filter(({ metric }) => metric === 'R@1');
    assert.deepEqual(
      compared.map((one) => [one.of, one.against]),
      [
        [rows[0], rows[2]],
        [rows[1], rows[3]],
        [rows[1], rows[0]],
        [rows[3], rows[2]],
      ],
    );
  });
});

describe('suggestionsOf', () => {
  const images = { 'text-to-image': [], 'image-to-text': [...Array(1000).keys()] };
  const found = (hits: number) => [Array.from({ length: 1000 }, (_, query) => [query < hits ? 1 : 2])];
  const suggest = (hits: [Ranking, number][]) => {
    const rows = hits.map(([ranking, count]) => row(found(count), { ranking }));
    return suggestionsOf(rows, differencesOf(rows, images));
  };

  it('is the smallest number of candidates within 0.3 points, 0.3 itself included', () => {
    const [one] = suggest([
      [twoStage(1), 800],
      [twoStage(32), 900],
      [twoStage(5), 896],
      [twoStage(10), 897],
      [EXHAUSTIVE, 900],
    ]);
    assert.equal(one.candidates, 10);
    assert.deepEqual(one.reference, EXHAUSTIVE);
    assert.ok(Math.abs(one.points! + 0.3) < 1e-9);
    assert.ok(one.interval![0] < -0.3 && one.interval![1] <= 0);
  });

  it('is of the most candidates where not every pair was scored, and none where none is close', () => {
    const [some] = suggest([
      [twoStage(1), 800],
      [twoStage(5), 898],
      [twoStage(32), 900],
    ]);
    assert.deepEqual([some.candidates, some.reference], [5, twoStage(32)]);
    const [none] = suggest([
      [twoStage(1), 800],
      [EXHAUSTIVE, 900],
    ]);
    assert.deepEqual([none.candidates, none.points], [null, null]);
  });
});
