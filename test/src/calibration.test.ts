import assert from 'node:assert/strict';
import { matchProbability } from '../../src/calibration.js';

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
