/** Arrays that are kept for the next who wants one. */
const KEPT = 2;

/**
 * Memory for what a pass is given. New memory for each would be half a megabyte a picture: what clears it away would run every
 * hundred pictures, on cores that others want.
 */
export class Scratch {
  private readonly spare: Float32Array[] = [];
  /** What was taken, and the array that it is the front of. */
  private readonly taken = new WeakMap<object, Float32Array>();

  /** An array of this length that holds anything. */
  take(length: number): Float32Array {
    const at = this.spare.findIndex((array) => array.length >= length);
    const whole = at < 0 ? new Float32Array(length) : this.spare.splice(at, 1)[0];
    const array = whole.subarray(0, length);
    this.taken.set(array, whole);
    return array;
  }

  /** Takes back what `take` gave, for others to overwrite; leaves alone what it did not give. */
  give(array: object): void {
    const whole = this.taken.get(array);
    if (!whole) return;
    this.taken.delete(array);
    this.spare.push(whole);
    this.spare.sort((a, b) => a.length - b.length); // The least that is large enough is taken, the largest are kept.
    if (this.spare.length > KEPT) this.spare.shift();
  }
}
