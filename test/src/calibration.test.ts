import assert from 'node:assert/strict';
import { matchProbability, nothingMatches } from '../../src/calibration.js';
import type { Calibration } from '../../src/vilt/calibration.js';

describe('matchProbability', () => {
  const calibration = { matchScore: 0.5, similarity: 10, bias: -4 };

  it('is null without a calibration, or with only one stage of evidence', () => {
    assert.equal(matchProbability(null, { matchScore: 1, similarity: 0.5 }), null);
    assert.equal(matchProbability(calibration, { matchScore: null, similarity: 0.5 }), null);
    assert.equal(matchProbability(calibration, { matchScore: 1, similarity: null }), null);
  });

  it('is logistic in both', () => {
    assert.equal(matchProbability(calibration, { matchScore: 0, similarity: 0.4 }), 0.5);
    const probability = matchProbability(calibration, { matchScore: 2, similarity: 0.5 });
    assert.ok(Math.abs(probability! - 1 / (1 + Math.exp(-2))) < 1e-15);
  });

  it('counts a score or a similarity of 0', () => {
    assert.ok(
      Math.abs(matchProbability(calibration, { matchScore: 0, similarity: 0 })! - 1 / (1 + Math.exp(4))) < 1e-15,
    );
  });

  it('stays between 0 and 1 whatever the evidence', () => {
    assert.equal(matchProbability(calibration, { matchScore: 1e6, similarity: 1 }), 1);
    assert.equal(matchProbability(calibration, { matchScore: -1e6, similarity: -1 }), 0);
  });
});

describe('nothingMatches', () => {
  const calibration = { matchScore: 1, similarity: 1, bias: 0 };
  const measured = (threshold: number | null) =>
    ({ ...calibration, measured: { nothingMatches: threshold === null ? null : { threshold } } }) as Calibration;
  const candidates = [{ matchProbability: 0.1 }, { matchProbability: 0.3 }, { matchProbability: null }];

  it('is not known without a threshold, or where nothing was reranked', () => {
    for (const unmeasured of [null, calibration, measured(null)])
      assert.equal(nothingMatches(unmeasured, candidates), null);
    for (const none of [[], [{ matchProbability: null }]]) assert.equal(nothingMatches(measured(0.2), none), null);
  });

  it('is told by the best of the candidates', () => {
    assert.equal(nothingMatches(measured(0.31), candidates), true);
    assert.equal(nothingMatches(measured(0.3), candidates), false);
  });
});
