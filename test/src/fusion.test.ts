import assert from 'node:assert/strict';
import { fuse } from '../../src/fusion.js';

describe('fuse', () => {
  const both = (nearest: number[], captions: number[]) =>
    fuse([
      { source: 'nearest', ids: nearest },
      { source: 'captions', ids: captions },
    ]);
  const idsOf = (fused: { id: number }[]) => fused.map(({ id }) => id);

  it('makes nothing of nothing', () => {
    assert.deepEqual(fuse([]), []);
    assert.deepEqual(both([], []), []);
  });

  it('counts an id that a ranking repeats once, where it stands first', () => {
    assert.deepEqual(both([7, 7, 7, 3], []), [
      { id: 7, sources: ['nearest'] },
      { id: 3, sources: ['nearest'] },
    ]);
    assert.deepEqual(idsOf(both([1, 2], [2, 2, 2, 1])), [1, 2], '1/61 + 1/62 each, so by the place in the first');
  });

  it('leaves one ranking as it is', () => {
    assert.deepEqual(idsOf(both([5, 2, 9], [])), [5, 2, 9]);
    assert.deepEqual(both([], [5, 2]), [
      { id: 5, sources: ['captions'] },
      { id: 2, sources: ['captions'] },
    ]);
  });

  // By hand, in units of 1 / 1,000,000, places in nearest and captions:
  //   10: 1, -   1/61          = 16393
  //   20: 2, 4   1/62 + 1/64   = 31754
  //   30: 3, 1   1/63 + 1/61   = 32266
  //   40: 4, 5   1/64 + 1/65   = 31010
  //   50: -, 2   1/62          = 16129
  //   60: -, 3   1/63          = 15873
  it('orders by the sum of reciprocal places, and says who proposed what', () => {
    assert.deepEqual(both([10, 20, 30, 40], [30, 50, 60, 20, 40]), [
      { id: 30, sources: ['nearest', 'captions'] },
      { id: 20, sources: ['nearest', 'captions'] },
      { id: 40, sources: ['nearest', 'captions'] },
      { id: 10, sources: ['nearest'] },
      { id: 50, sources: ['captions'] },
      { id: 60, sources: ['captions'] },
    ]);
  });

  it('breaks ties by the place in the first ranking, then by id', () => {
    assert.deepEqual(idsOf(both([9, 8], [2, 1])), [9, 2, 8, 1]);
    const three = fuse([
      { source: 'a', ids: [] },
      { source: 'b', ids: [8, 5] },
      { source: 'c', ids: [3, 7] },
    ]);
    assert.deepEqual(idsOf(three), [3, 8, 5, 7]);
  });

  it('keeps the best of either within twice its place', () => {
    const nearest = Array.from({ length: 100 }, (_, i) => 1 + i);
    const captions = Array.from({ length: 100 }, (_, i) => 1001 + i);
    const places = new Map(both(nearest, captions).map(({ id }, place) => [id, place + 1]));
    for (let i = 0; i < 100; i++) {
      assert.equal(places.get(nearest[i]), 2 * i + 1);
      assert.equal(places.get(captions[i]), 2 * i + 2);
    }
  });
});
