import assert from 'node:assert/strict';
import { Schedule } from '../../../src/inference/schedule.js';

/** A model that takes one turn of the event loop and doubles numbers; records what ran together. */
function doubling({ most = 4 } = {}) {
  const runs: string[] = [];
  const schedule = new Schedule({
    fits: (_, items) => items.length <= most,
    async run(kind, items) {
      runs.push(`${kind}:${items.join(',')}`);
      await new Promise((resolve) => setImmediate(resolve));
      if (items.includes(-1)) throw new RangeError('a bad item');
      return items.map((item) => 2 * (item as number));
    },
  });
  return { schedule, runs };
}

describe('Schedule', () => {
  it('rejects the caller of a bad item and no other', async () => {
    const { schedule } = doubling();
    const first = schedule.add('double', [1]);
    const bad = schedule.add('double', [-1]);
    const good = schedule.add('double', [3]);
    await assert.rejects(bad, RangeError);
    assert.deepEqual(await first, [2]);
    assert.deepEqual(await good, [6]);
  });

  it('never runs a job that is cancelled before its turn', async () => {
    const { schedule, runs } = doubling();
    const left = new AbortController();
    const first = schedule.add('double', [1]);
    const cancelled = schedule.add('double', [2], { signal: left.signal });
    left.abort();
    await assert.rejects(cancelled, { code: 'CANCELLED' });
    await first;
    assert.deepEqual(runs, ['double:1']);
  });

  it('runs interactive jobs before background ones that came earlier', async () => {
    const { schedule, runs } = doubling();
    await Promise.all([
      schedule.add('embed', [1], { priority: 'background' }),
      schedule.add('embed', [2], { priority: 'background' }),
      schedule.add('match', [3]),
    ]);
    assert.deepEqual(runs, ['embed:1', 'match:3', 'embed:2']);
  });

  it('joins waiting jobs of one kind, as many as fit', async () => {
    const { schedule, runs } = doubling();
    const results = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => schedule.add('double', [n])));
    assert.deepEqual(results.flat(), [2, 4, 6, 8, 10, 12]);
    assert.deepEqual(runs, ['double:1', 'double:2,3,4,5', 'double:6']);
  });

  it('splits a long job and keeps its order', async () => {
    const { schedule, runs } = doubling({ most: 2 });
    assert.deepEqual(await schedule.add('double', [1, 2, 3, 4, 5]), [2, 4, 6, 8, 10]);
    assert.deepEqual(runs, ['double:1,2', 'double:3,4', 'double:5']);
  });
});
