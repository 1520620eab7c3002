import { dot } from '../../vector.js';
import type { Neighbor } from '../store.js';

/** Keeps the k best of the neighbors offered: the highest similarity, and of equals the lowest id. */
export class Best {
  private readonly similarities: Float64Array;
  private readonly ids: Float64Array;
  private size = 0;

  constructor(private readonly k: number) {
    this.similarities = new Float64Array(k);
    this.ids = new Float64Array(k);
  }

  /** How many are kept. */
  get count(): number {
    return this.size;
  }

  // A binary heap with the worst of those kept at its root.
  offer(id: number, similarity: number): void {
    if (this.size < this.k) {
      let at = this.size++;
      for (let parent = (at - 1) >> 1; at > 0 && this.isBetter(parent, similarity, id); parent = (at - 1) >> 1) {
        this.move(parent, at);
        at = parent;
      }
      this.put(at, similarity, id);
    } else if (this.k > 0 && !this.isBetter(0, similarity, id)) {
      let at = 0;
      for (
        let child = this.worstChild(at);
        child && !this.isBetter(child, similarity, id);
        child = this.worstChild(at)
      ) {
        this.move(child, at);
        at = child;
      }
      this.put(at, similarity, id);
    }
  }

  /** Best first. */
  sorted(): Neighbor[] {
    const neighbors = Array.from({ length: this.size }, (_, i) => ({
      id: this.ids[i],
      similarity: this.similarities[i],
    }));
    return neighbors.sort((a, b) => b.similarity - a.similarity || a.id - b.id);
  }

  /** Whether the one kept at `at` ranks before another. */
  private isBetter(at: number, similarity: number, id: number): boolean {
    const kept = this.similarities[at];
    return kept > similarity || (kept === similarity && this.ids[at] < id);
  }

  /** 0 where there is none: the root is no one's child. */
  private worstChild(at: number): number {
    const left = 2 * at + 1;
    const right = left + 1;
    if (right >= this.size) return left < this.size ? left : 0;
    return this.isBetter(left, this.similarities[right], this.ids[right]) ? right : left;
  }

  private move(from: number, to: number): void {
    this.put(to, this.similarities[from], this.ids[from]);
  }

  private put(at: number, similarity: number, id: number): void {
    this.similarities[at] = similarity;
    this.ids[at] = id;
  }
}

/** Rows that a table has room for at least. */
const SMALLEST = 64;

/** Vectors in one contiguous array, in the order they came, searched exactly; the oldest can be taken off the front. */
export class VectorTable {
  private ids = new Uint32Array(SMALLEST);
  private vectors: Float32Array; // (capacity, dimension)
  private start = 0;
  private end = 0;

  constructor(private readonly dimension: number) {
    this.vectors = new Float32Array(this.ids.length * dimension);
  }

  get count(): number {
    return this.end - this.start;
  }

  /** The id that `shift` takes next. */
  get first(): number {
    return this.ids[this.start];
  }

  push(id: number, vector: Float32Array): void {
    if (this.end === this.ids.length) this.makeRoom();
    this.ids[this.end] = id;
    this.vectors.set(vector, this.end * this.dimension);
    this.end++;
  }

  /** Takes the oldest row; its vector is valid until the next `push`. */
  shift(): { id: number; vector: Float32Array } {
    const row = this.start++;
    return { id: this.ids[row], vector: this.vectors.subarray(row * this.dimension, (row + 1) * this.dimension) };
  }

  remove(ids: ReadonlySet<number>): void {
    let kept = this.start;
    for (let row = this.start; row < this.end; row++) {
      if (ids.has(this.ids[row])) continue;
      if (kept < row) {
        this.ids[kept] = this.ids[row];
        this.vectors.copyWithin(kept * this.dimension, row * this.dimension, (row + 1) * this.dimension);
      }
      kept++;
    }
    this.end = kept;
  }

  *[Symbol.iterator](): Iterator<number> {
    for (let row = this.start; row < this.end; row++) yield this.ids[row];
  }

  /** Forgets all, and gives their memory back. */
  clear(): void {
    this.start = this.end;
    if (this.ids.length > SMALLEST) this.makeRoom();
  }

  /** Offers the vectors of all ids, or of those allowed. */
  search(query: Float32Array, best: Best, allowed?: { has(id: number): boolean }): void {
    for (let row = this.start; row < this.end; row++) {
      const id = this.ids[row];
      if (!allowed || allowed.has(id)) best.offer(id, dot(query, this.vectors, row * this.dimension));
    }
  }

  /** Moves the rows to the front of arrays that have room for as many again. */
  private makeRoom(): void {
    const { count, dimension } = this;
    const ids = new Uint32Array(Math.max(SMALLEST, 2 * count));
    const vectors = new Float32Array(ids.length * dimension);
    ids.set(this.ids.subarray(this.start, this.end));
    vectors.set(this.vectors.subarray(this.start * dimension, this.end * dimension));
    Object.assign(this, { ids, vectors, start: 0, end: count });
  }
}
