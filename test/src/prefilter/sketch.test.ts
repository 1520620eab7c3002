import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { overlapWith, sketchOf } from '../../../src/prefilter/sketch.js';

const hashes = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) =>
    createHash('sha256')
      .update(`picture ${from + i}`)
      .digest('hex'),
  );

describe('a sketch of hashes', () => {
  it('of a small set tells exactly', () => {
    const sketch = sketchOf(hashes(0, 1000));
    assert.deepEqual(overlapWith(sketch, hashes(1000, 3000)), { told: 2000, shared: 0 });
    assert.deepEqual(overlapWith(sketch, hashes(990, 1100)), { told: 110, shared: 10 });
    assert.deepEqual(overlapWith(sketchOf([]), hashes(0, 10)), { told: 10, shared: 0 });
  });

  it('of a large set is 49 kB, tells of a part of another set, and of that part exactly', () => {
    const sketch = sketchOf(hashes(0, 30_000));
    assert.equal(sketch.length, 4096 * 12);
    const { told, shared } = overlapWith(sketch, hashes(29_000, 31_000));
    assert.ok(told > 200 && told < 350, String(told));
    assert.ok(Math.abs(shared / told - 0.5) < 0.1);
    assert.equal(overlapWith(sketch, hashes(30_000, 40_000)).shared, 0);
  });

  it('does not depend on order or repetition', () => {
    const some = hashes(0, 50);
    assert.equal(sketchOf([...some, ...some].reverse()), sketchOf(some));
  });
});
