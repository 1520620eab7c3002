import assert from 'node:assert/strict';
import { bestRank, recallAt } from '../../src/metrics.js';

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
