import assert from 'node:assert/strict';
import { fitLogistic, type Coefficients, type Example } from '../../../src/calibration/logistic.js';
import { random } from '../vilt/variant.js';

/** Pairs whose truth is drawn from known coefficients. */
function draw(count: number, { matchScore: m, similarity: s, bias }: Coefficients): Example[] {
  const next = random(5);
  return Array.from({ length: count }, () => {
    const [matchScore, similarity] = [-6 + 12 * next(), next()];
    return { matchScore, similarity, match: next() < 1 / (1 + Math.exp(-(m * matchScore + s * similarity + bias))) };
  });
}

const close = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, expected ${expected}`);

describe('fitLogistic', () => {
  it('gives the share of matches where nothing else tells them apart', () => {
    const examples = [true, false, false, false].map((match) => ({ matchScore: 3, similarity: 0.5, match }));
    assert.deepEqual(fitLogistic(examples).matchScore, 0);
    assert.deepEqual(fitLogistic(examples).similarity, 0);
    close(fitLogistic(examples).bias, Math.log(1 / 3), 1e-9);
  });

  it('gives the odds of a feature with two values', () => {
    // One of four at -1, three of four at 1: log odds -ln 3 and ln 3, so a slope of ln 3 and no bias.
    const examples = [
      ...[true, false, false, false].map((match) => ({ matchScore: -1, similarity: 0, match })),
      ...[true, true, true, false].map((match) => ({ matchScore: 1, similarity: 0, match })),
    ];
    const many = Array.from({ length: 100 }, () => examples).flat(); // so that the penalty does not show
    const { matchScore, similarity, bias } = fitLogistic(many);
    close(matchScore, Math.log(3), 1e-3);
    close(bias, 0, 1e-9);
    assert.equal(similarity, 0);
  });

  it('finds what data was drawn from, at a likelihood that no step raises', () => {
    const truth = { matchScore: 0.7, similarity: 9, bias: -6 };
    const examples = draw(20_000, truth);
    const fitted = fitLogistic(examples);
    close(fitted.matchScore, truth.matchScore, 0.05);
    close(fitted.similarity, truth.similarity, 0.5);
    close(fitted.bias, truth.bias, 0.4);
    const slope = [0, 0, 0];
    for (const { matchScore, similarity, match } of examples) {
      const logit = fitted.matchScore * matchScore + fitted.similarity * similarity + fitted.bias;
      const error = 1 / (1 + Math.exp(-logit)) - (match ? 1 : 0);
      [matchScore, similarity, 1].forEach((x, i) => (slope[i] += error * x));
    }
    // But for the penalty, the mean error is nothing, whatever it is weighted by.
    for (const value of slope) close(value, 0, 0.2);
    close(slope[2], 0, 1e-6);
  });

  it('does not depend on the order of the pairs, nor on the scale of a feature', () => {
    const examples = draw(500, { matchScore: 1, similarity: 4, bias: -2 });
    const { matchScore, similarity, bias } = fitLogistic(examples);
    const reversed = fitLogistic([...examples].reverse());
    close(reversed.matchScore, matchScore, 1e-8);
    const scaled = fitLogistic(examples.map((one) => ({ ...one, similarity: one.similarity / 1000 + 7 })));
    close(scaled.similarity, 1000 * similarity, 1e-4);
    close(scaled.bias, bias - 7 * 1000 * similarity, 1e-3);
  });

  it('stays finite where a feature tells all matches', () => {
    const examples = Array.from({ length: 60 }, (_, i) => {
      return { matchScore: i < 2 ? 50 : -50 + i / 10, similarity: 0.5 + i / 1000, match: i < 2 };
    });
    const { matchScore, similarity, bias } = fitLogistic(examples);
    assert.ok([matchScore, similarity, bias].every(Number.isFinite));
    for (const { matchScore: m, similarity: s, match } of examples) {
      assert.equal(matchScore * m + similarity * s + bias > 0, match);
    }
  });
});
