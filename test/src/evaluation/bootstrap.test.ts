import assert from 'node:assert/strict';
import { bootstrapMeans } from '../../../src/evaluation/bootstrap.js';
import { seededRandom } from '../../../src/evaluation/random.js';

describe('bootstrapMeans', () => {
  const random = seededRandom(7);
  const values = Array.from({ length: 400 }, () => (random() < 0.8 ? 100 : 0));
  const own = values.map((_, i) => i);

  it('is nothing of nothing, and a point where all are the same', () => {
    assert.deepEqual(bootstrapMeans([], [[]]), [null]);
    assert.deepEqual(bootstrapMeans([1, 2], [[100, 100]]), [[100, 100]]);
    assert.deepEqual(bootstrapMeans([1], [[0], [100]]), [
      [0, 0],
      [100, 100],
    ]);
  });

  it('is the same every time', () => {
    assert.deepEqual(bootstrapMeans(own, [values]), bootstrapMeans(own, [values]));
  });

  it('is about as wide as the normal approximation says', () => {
    const [interval] = bootstrapMeans(own, [values]);
    const share = values.filter((value) => value > 0).length / values.length;
    const half = 196 * Math.sqrt((share * (1 - share)) / values.length);
    const [low, high] = interval!;
    assert.ok(
      Math.abs(low - (100 * share - half)) < 1 && Math.abs(high - (100 * share + half)) < 1,
      `${low} to ${high}`,
    );
  });

  it('draws whole groups: five captions that fail together are one observation', () => {
    const fivefold = values.flatMap((value) => Array<number>(5).fill(value));
    const groups = own.flatMap((image) => Array<number>(5).fill(image));
    assert.deepEqual(bootstrapMeans(groups, [fivefold]), bootstrapMeans(own, [values]));
    const [alone] = bootstrapMeans(
      fivefold.map((_, i) => i),
      [fivefold],
    );
    const [together] = bootstrapMeans(groups, [fivefold]);
    assert.ok(alone![1] - alone![0] < (together![1] - together![0]) / 1.5);
  });

  it('covers the truth about as often as it says', () => {
    let covered = 0;
    for (let trial = 0; trial < 100; trial++) {
      const sample = Array.from({ length: 60 }, () => (random() < 0.6 ? 100 : 0));
      const [interval] = bootstrapMeans(
        sample.map((_, i) => i),
        [sample],
      );
      if (interval![0] <= 60 && interval![1] >= 60) covered++;
    }
    assert.ok(covered >= 85 && covered <= 100, `${covered} of 100`);
  });
});
