import assert from 'node:assert/strict';
import { calibrationError, chooseThreshold, detect } from '../../../src/calibration/reliability.js';

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual}, expected ${expected}`);

describe('calibrationError', () => {
  it('weighs the bins by what falls into them', () => {
    const forecasts = [
      { probability: 0.05, match: false },
      { probability: 0.05, match: true }, // the first bin: mean 0.05, true 0.5
      { probability: 0.62, match: true },
      { probability: 0.68, match: true }, // the seventh: mean 0.65, true 1
    ];
    close(calibrationError(forecasts), 0.5 * 0.45 + 0.5 * 0.35);
  });

  it('is 0 for certainty that is right, and 1 for one that is wrong', () => {
    const certain = (match: boolean) => [
      { probability: 1, match },
      { probability: 0, match: !match },
    ];
    assert.equal(calibrationError(certain(true)), 0);
    assert.equal(calibrationError(certain(false)), 1);
  });

  it('puts a probability on an edge into the bin above', () => {
    close(calibrationError([0.1, 0.12, 0.18, 0.1].map((probability, i) => ({ probability, match: i === 0 }))), 0.125);
  });
});

describe('a threshold', () => {
  const best = { present: [0.9, 0.8, 0.3, 0.7], absent: [0.1, 0.2, 0.4, 0.6] };

  it('tells how much of what is below it is absent, and how much of the absent is below', () => {
    assert.deepEqual(detect(0.25, best), { precision: 1, detected: 0.5 });
    assert.deepEqual(detect(0.65, best), { precision: 0.8, detected: 1 });
    assert.deepEqual(detect(0.1, best), { precision: null, detected: 0 });
  });

  it('is the one that detects most at the precision asked for', () => {
    close(chooseThreshold(best, 0.95)!, 0.25);
    close(chooseThreshold(best, 0.8)!, 0.65);
    close(chooseThreshold(best, 0.5)!, 1);
  });

  it('is there only where the precision is reached', () => {
    assert.equal(chooseThreshold({ present: [0.1, 0.2], absent: [0.3, 0.4] }, 0.9), null);
    assert.equal(chooseThreshold({ present: [], absent: [] }, 0.9), null);
  });
});
