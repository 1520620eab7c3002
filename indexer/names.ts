import { createHash } from 'node:crypto';

/** A Set of JavaScript holds 2^24 values at most; so many sets hold as many names as anyone has. */
const SETS = 64;

/**
 * Names that were seen, as 52 bits of a hash each: a million take some tens of megabytes. Of two names among a million one is
 * taken for the other once in 9,000 times, among ten million once in 90.
 */
export class Names {
  readonly #sets = Array.from({ length: SETS }, () => new Set<number>());

  get isEmpty(): boolean {
    return this.#sets.every((set) => set.size === 0);
  }

  /** Whether it was new. */
  add(name: string): boolean {
    const { set, value } = this.#place(name);
    if (set.has(value)) return false;
    set.add(value);
    return true;
  }

  has(name: string): boolean {
    const { set, value } = this.#place(name);
    return set.has(value);
  }

  delete(name: string): void {
    const { set, value } = this.#place(name);
    set.delete(value);
  }

  #place(name: string): { set: Set<number>; value: number } {
    const digest = createHash('sha256').update(name).digest();
    const value = digest.readUIntBE(0, 6) * 16 + (digest[6] >>> 4);
    return { set: this.#sets[value % SETS], value };
  }
}
