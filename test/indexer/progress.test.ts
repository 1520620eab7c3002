import assert from 'node:assert/strict';
import { describePace, describeSeconds, Pace } from '../../indexer/progress.js';

describe('Pace', () => {
  it('knows nothing from one moment, and no time left from a standstill', () => {
    const pace = new Pace();
    assert.equal(pace.perSecond, null);
    pace.add(0, 0);
    assert.equal(pace.perSecond, null);
    pace.add(0, 1000);
    assert.equal(pace.secondsLeft({ done: 0, total: 10 }), null);
    assert.equal(describePace(pace, { done: 0, total: 10 }, 'pictures'), '');
  });

  it('forgets a fast start after its window', () => {
    const pace = new Pace();
    pace.add(0, 0);
    pace.add(10_000, 1000);
    for (let second = 2; second <= 30; second += 1) pace.add(10_000 + second * 20, second * 1000);
    assert.equal(pace.perSecond, 20);
    assert.equal(pace.secondsLeft({ done: 10_600, total: 11_000 }), 20);
  });

  it('is said with its unit, without time left at the end', () => {
    const pace = new Pace();
    pace.add(0, 0);
    pace.add(71, 1000);
    assert.equal(describePace(pace, { done: 71, total: 355 }, 'pictures'), '(71 pictures/s, 4 s left)');
    assert.equal(describePace(pace, { done: 71, total: 71 }, 'pictures'), '(71 pictures/s)');
  });

  it('says no time left where the total is not known', () => {
    const pace = new Pace();
    pace.add(0, 0);
    pace.add(71, 1000);
    assert.equal(pace.secondsLeft({ done: 71, total: null }), null);
    assert.equal(describePace(pace, { done: 71, total: null }, 'pictures'), '(71 pictures/s)');
  });

  it('says times as people do', () => {
    assert.deepEqual([0.2, 59, 61, 3600, 7500].map(describeSeconds), [
      '1 s',
      '59 s',
      '1 min 01 s',
      '1 h 00 min',
      '2 h 05 min',
    ]);
  });
});
