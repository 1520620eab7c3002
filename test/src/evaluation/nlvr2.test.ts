import assert from 'node:assert/strict';
import { Nlvr2Tally } from '../../../src/evaluation/nlvr2.js';

describe('NLVR2 accuracy and consistency', () => {
  it('counts nothing as nothing', () => {
    assert.deepEqual(new Nlvr2Tally().summary(), { examples: 0, accuracy: null, statements: 0, consistency: null });
  });

  it('counts a statement as consistent where every pair of pictures was judged right', () => {
    const tally = new Nlvr2Tally();
    // Statement 0 of set 7: right for pairs 0 and 1. Statement 1 of set 7: wrong for pair 1. Statement 0 of set 8: right.
    tally.add({ identifier: 'dev-7-0-0', label: true, predicted: true });
    tally.add({ identifier: 'dev-7-1-0', label: false, predicted: false });
    tally.add({ identifier: 'dev-7-0-1', label: true, predicted: true });
    tally.add({ identifier: 'dev-7-1-1', label: true, predicted: false });
    tally.add({ identifier: 'dev-8-0-0', label: false, predicted: false });
    assert.deepEqual(tally.summary(), { examples: 5, accuracy: 80, statements: 3, consistency: 200 / 3 });
  });

  it('keeps a statement inconsistent once one pair was judged wrong', () => {
    const tally = new Nlvr2Tally();
    tally.add({ identifier: 'test1-1-0-0', label: true, predicted: false });
    tally.add({ identifier: 'test1-1-1-0', label: true, predicted: true });
    assert.equal(tally.summary().consistency, 0);
  });
});
