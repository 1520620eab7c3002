import assert from 'node:assert/strict';
import { averagePrecisionAtR, bestRank, mean, median, recallAt, relevantRanks } from '../../src/metrics.js';

describe('bestRank', () => {
  it('counts ties against us', () => {
    assert.equal(
      bestRank([1, 1, 1], (item) => item === 0),
      3,
    );
    assert.equal(
      bestRank([2, 1, 1], (item) => item === 0),
      1,
    );
  });

  it('takes the best of several relevant items, which do not count against each other', () => {
    assert.equal(
      bestRank([3, 5, 4, 4], (item) => item >= 2),
      2,
    );
  });

  it('is infinite where nothing relevant was retrieved', () => {
    assert.equal(
      bestRank([1, -Infinity], (item) => item === 1),
      Infinity,
    );
    assert.equal(
      bestRank([1, 2], () => false),
      Infinity,
    );
  });
});

describe('recallAt', () => {
  it('is the share of queries within the first k', () => {
    assert.equal(recallAt([1, 2, 11, Infinity], 1), 25);
    assert.equal(recallAt([1, 2, 11, Infinity], 10), 50);
    assert.ok(Number.isNaN(recallAt([], 1)));
  });
});

describe('relevantRanks', () => {
  const ranks = (scores: number[], relevant: number[]) => relevantRanks(scores, (item) => relevant.includes(item));

  it('lists all, best first, whatever their order in the gallery', () => {
    assert.deepEqual(ranks([5, 9, 1, 7, 3], [0, 1, 2]), [1, 3, 5]);
    assert.deepEqual(ranks([4, 3, 2, 1], [3]), [4]);
  });

  it('counts ties with others against us, and none among themselves', () => {
    assert.deepEqual(ranks([2, 2, 2, 2], [0]), [4]);
    assert.deepEqual(ranks([2, 2, 2, 2], [1, 2]), [3, 4]);
    assert.deepEqual(ranks([2, 2, 1, 1, 1], [0, 2]), [2, 5]);
    assert.deepEqual(ranks([0, 0], [0, 1]), [1, 2]);
  });

  it('begins with the best rank', () => {
    const scores = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5];
    for (const relevant of [[1], [0, 9], [4, 8, 10], [5], [3, 6, 7]]) {
      assert.equal(
        ranks(scores, relevant)[0],
        bestRank(scores, (item) => relevant.includes(item)),
      );
    }
  });

  it('is empty where nothing is relevant', () => {
    assert.deepEqual(ranks([1, 2], []), []);
    assert.deepEqual(ranks([], []), []);
  });
});

describe('mean and median', () => {
  it('are of the middle, or of the two in the middle', () => {
    assert.equal(median([10, 1, 3]), 3);
    assert.equal(median([10, 1, 3, 2]), 2.5);
    assert.equal(mean([10, 1, 3, 2]), 4);
  });

  it('are not numbers of nothing', () => {
    assert.ok(Number.isNaN(mean([])));
    assert.ok(Number.isNaN(median([])));
  });
});

describe('averagePrecisionAtR', () => {
  it('is recall@1 where one item is relevant', () => {
    assert.equal(averagePrecisionAtR([1]), 1);
    assert.equal(averagePrecisionAtR([2]), 0);
  });

  // By hand, R = 5: ranks 1, 3, 4 and 6, 9 of which the last two are beyond R: (1/1 + 2/3 + 3/4) / 5
  it('of five counts the precision at each of the first five places that holds one', () => {
    assert.equal(averagePrecisionAtR([1, 2, 3, 4, 5]), 1);
    assert.equal(averagePrecisionAtR([1, 3, 4, 6, 9]), (1 + 2 / 3 + 3 / 4) / 5);
    assert.equal(averagePrecisionAtR([6, 7, 8, 9, 10]), 0);
    assert.equal(averagePrecisionAtR([5, 6, 7, 8, 9]), 1 / 25);
  });
});
