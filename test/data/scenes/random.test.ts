import assert from 'node:assert/strict';
import { Random } from '../../../data/scenes/random.js';

const take = (random: Random, count: number) => Array.from({ length: count }, () => random.next());

describe('Random', () => {
  it('gives the same numbers for the same seed and others for another', () => {
    assert.deepEqual(take(new Random(7), 50), take(new Random(7), 50));
    assert.notDeepEqual(take(new Random(7), 50), take(new Random(8), 50));
  });

  it('is mulberry32', () => {
    // The first numbers for seed 1 by the published C code, as integers.
    assert.deepEqual(
      take(new Random(1), 3).map((value) => value * 2 ** 32),
      [2693262067, 11749833, 2265367787],
    );
  });

  it('is uniform, and picks by weight', () => {
    const random = new Random(1);
    const mean = take(random, 10_000).reduce((sum, value) => sum + value) / 10_000;
    assert.ok(Math.abs(mean - 0.5) < 0.01, `mean ${mean}`);
    const picked = Array.from({ length: 10_000 }, () => random.pick(['a', 'b'], (item) => (item === 'a' ? 3 : 1)));
    const share = picked.filter((item) => item === 'a').length / picked.length;
    assert.ok(Math.abs(share - 0.75) < 0.02, `share ${share}`);
  });

  it('starts elsewhere for each picture and each seed', () => {
    const firsts = [1, 2, 3].flatMap((seed) =>
      Array.from({ length: 2000 }, (_, i) => Random.ofPicture(seed, i).next()),
    );
    assert.equal(new Set(firsts).size, firsts.length);
    const mean = firsts.reduce((sum, value) => sum + value) / firsts.length;
    assert.ok(Math.abs(mean - 0.5) < 0.015, `mean ${mean}`);
    assert.equal(Random.ofPicture(7, 9).next(), Random.ofPicture(7, 9).next());
  });

  it('refuses to pick from nothing', () => {
    assert.throws(() => new Random(1).pick([]), /nothing to pick/);
  });
});
