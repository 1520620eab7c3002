import { seededRandom } from '../../src/evaluation/random.js';

/**
 * A seeded generator of uniform numbers (mulberry32, Tommy Ettinger): the same seed gives the same pictures on every
 * machine. Not for secrets.
 */
export class Random {
  /** Uniform in [0, 1). */
  readonly next: () => number;

  /** @param seed a whole number from 0 to 2^32 - 1 */
  constructor(seed: number) {
    this.next = seededRandom(seed);
  }

  /** The generator of one picture: pictures can be drawn in any order, or on several machines, and stay the same. */
  static ofPicture(seed: number, index: number): Random {
    // The finaliser of MurmurHash3 (Austin Appleby), so that neighbours have nothing in common.
    let state = Math.imul(seed, 0x9e3779b1) ^ index;
    state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    return new Random(state ^ (state >>> 16));
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items, each as likely as its weight; all alike without weights. */
  pick<T>(items: readonly T[], weightOf: (item: T) => number = () => 1): T {
    let left = this.next() * items.reduce((sum, item) => sum + weightOf(item), 0);
    const found = items.find((item) => (left -= weightOf(item)) < 0) ?? items.at(-1);
    if (found === undefined) throw new RangeError('There is nothing to pick from.');
    return found;
  }
}
