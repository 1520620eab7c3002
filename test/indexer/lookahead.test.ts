import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { mapAhead } from '../../indexer/lookahead.js';
import { collect } from './collect.js';

async function* count(to: number, onTaken: (item: number) => void = () => undefined): AsyncGenerator<number> {
  for (let item = 0; item < to; item += 1) {
    await Promise.resolve();
    onTaken(item);
    yield item;
  }
}

describe('mapAhead', () => {
  it('throws the first failure in its order, and leaves later ones unhandled by nobody', async () => {
    const read: number[] = [];
    const mapped = mapAhead(count(9), { concurrency: 4, ahead: 4 }, (item) =>
      item >= 3 ? Promise.reject(new Error(`item ${item}`)) : Promise.resolve(item),
    );
    await assert.rejects(async () => {
      for await (const item of mapped) read.push(item);
    }, /item 3/);
    assert.deepEqual(read, [0, 1, 2]);
  });

  it('keeps the order, whichever call ends first', async () => {
    const mapped = mapAhead(count(12), { concurrency: 5, ahead: 6 }, async (item) => {
      await sleep((item * 7) % 5);
      return item * 2;
    });
    assert.deepEqual(
      await collect(mapped),
      Array.from({ length: 12 }, (_, item) => item * 2),
    );
  });

  it('runs on while its reader is busy, within both bounds', async () => {
    let running = 0;
    let most = 0;
    let ended = 0;
    let taken = 0;
    const mapped = mapAhead(
      count(100, () => (taken += 1)),
      { concurrency: 3, ahead: 8 },
      async (item) => {
        most = Math.max(most, (running += 1));
        await sleep(1);
        running -= 1;
        ended += 1;
        return item;
      },
    );
    await mapped.next();
    while (ended < 9) await sleep(1);
    await sleep(20);
    assert.equal(most, 3);
    // One was read, eight wait.
    assert.equal(taken, 9);
    assert.equal(ended, 9);
    await mapped.return();
  });

  it('throws what its items threw, after what came before', async () => {
    async function* failing() {
      yield* count(3);
      throw new Error('the disk is gone');
    }
    const read: number[] = [];
    await assert.rejects(async () => {
      for await (const item of mapAhead(failing(), { concurrency: 2, ahead: 9 }, (n) => Promise.resolve(n)))
        read.push(item);
    }, /the disk is gone/);
    assert.deepEqual(read, [0, 1, 2]);
  });

  it('ends its items when its reader leaves early', async () => {
    let ended = false;
    async function* endless() {
      try {
        for (let item = 0; ; item += 1) yield await Promise.resolve(item);
      } finally {
        ended = true;
      }
    }
    for await (const item of mapAhead(endless(), { concurrency: 1, ahead: 2 }, (n) => Promise.resolve(n))) {
      if (item === 5) break;
    }
    assert.equal(ended, true);
  });
});
