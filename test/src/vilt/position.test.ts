import assert from 'node:assert/strict';
import { interpolatePositions } from '../../../src/vilt/position.js';

describe('interpolatePositions', () => {
  // One [CLS] and a 2x2 grid with one hidden value each.
  const learned = Float32Array.of(9, 0, 1, 2, 3);

  it('leaves the learned grid as it is', () => {
    assert.deepEqual(interpolatePositions(learned, 2, { rows: 2, columns: 2 }, 1), learned);
  });

  it('aligns corners when enlarging', () => {
    const out = interpolatePositions(learned, 2, { rows: 3, columns: 3 }, 1);
    assert.deepEqual([...out], [9, 0, 0.5, 1, 1, 1.5, 2, 2, 2.5, 3]);
  });

  it('takes the first row for a grid of one', () => {
    assert.deepEqual([...interpolatePositions(learned, 2, { rows: 1, columns: 2 }, 1)], [9, 0, 1]);
  });

  it('keeps the hidden values of a position together', () => {
    const two = Float32Array.of(7, 8, 0, 10, 1, 11, 2, 12, 3, 13);
    assert.deepEqual([...interpolatePositions(two, 2, { rows: 1, columns: 3 }, 2)], [7, 8, 0, 10, 0.5, 10.5, 1, 11]);
  });
});
