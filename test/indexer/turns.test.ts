import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Turns } from '../../indexer/turns.js';

describe('Turns', () => {
  it('come in the order in which they were taken, whoever is ready first, or ends without having come', async () => {
    const turns = new Turns();
    const came: number[] = [];
    await Promise.all(
      [9, 1, 5, 3].map(async (milliseconds, i) => {
        const turn = turns.take();
        await sleep(milliseconds);
        if (i !== 2) {
          await turn.come();
          came.push(i);
        }
        turn.end();
      }),
    );
    assert.deepEqual(came, [0, 1, 3]);
  });
});
