import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import hnswlib from 'hnswlib-node';
import { MAX_ID } from './catalog.js';

/** Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using HNSW graphs", 2018. */
const HNSW = {
  m: 16,
  /** 200 finds as much with a quarter fewer candidates, and takes nearly twice as long to build. */
  efConstruction: 100,
  /** Fixed, so that the same vectors in the same order make the same graph. */
  seed: 100,
  firstCapacity: 1024,
  growth: 1.5,
} as const;

export interface GraphQuery {
  k: number;
  /** Candidates kept while searching: the more, the surer and the slower. */
  ef: number;
  /** Ids that may be found; all where it is not given. */
  accepts?: (id: number) => boolean;
}

/**
 * Unit vectors in an HNSW graph, by id. hnswlib-node trusts its caller: it cuts labels to 32 bits, accepts NaN, throws
 * when asked for more than its capacity, says nothing when a disk is full, and may crash on a file that is not its own.
 * Each of these is guarded here, but for the last: load only what a checksum vouches for.
 */
export class VectorGraph {
  /** Ids in the graph that are not marked as deleted. */
  private readonly live: Set<number>;
  /** hnswlib-node reads plain arrays alone, a number at a time: one that is filled again is the quickest. */
  private readonly values: number[];

  private constructor(
    private readonly index: hnswlib.HierarchicalNSW,
    private readonly dimension: number,
  ) {
    this.live = new Set(index.getIdsList());
    this.values = new Array<number>(dimension).fill(0);
  }

  /** `capacity` is how many it takes before it grows. */
  static create(dimension: number, capacity: number = HNSW.firstCapacity): VectorGraph {
    const index = new hnswlib.HierarchicalNSW('ip', dimension);
    index.initIndex(Math.max(capacity, HNSW.firstCapacity), HNSW.m, HNSW.efConstruction, HNSW.seed);
    return new VectorGraph(index, dimension);
  }

  /** Reads what `save` wrote. What was marked as deleted then counts as live until `delete` is called for it again. */
  static load(file: string, dimension: number): VectorGraph {
    const index = new hnswlib.HierarchicalNSW('ip', dimension);
    index.readIndexSync(file);
    return new VectorGraph(index, dimension);
  }

  /** Vectors that a search can find. */
  get count(): number {
    return this.live.size;
  }

  /** Vectors in the graph, those marked as deleted included. */
  get size(): number {
    return this.index.getCurrentCount();
  }

  has(id: number): boolean {
    return this.live.has(id);
  }

  /** @param id of one that it has */
  vectorOf(id: number): Float32Array {
    return Float32Array.from(this.index.getPoint(id));
  }

  /** Adds a vector, or puts it in the place of one that was deleted under the same id. */
  add(id: number, vector: Float32Array): void {
    if (!Number.isInteger(id) || id < 0 || id > MAX_ID)
      throw new RangeError(`${id} cannot be a label in an HNSW graph.`);
    const values = this.valuesOf(vector);
    const capacity = this.index.getMaxElements();
    if (this.size === capacity) this.index.resizeIndex(Math.ceil(Math.max(HNSW.firstCapacity, capacity * HNSW.growth)));
    this.index.addPoint(values, id);
    this.live.add(id);
  }

  /** Hides a vector from searches. It stays in the graph, as a way to others, until the graph is built anew. */
  delete(id: number): void {
    if (!this.live.delete(id)) return;
    try {
      this.index.markDelete(id);
    } catch (error) {
      // A loaded graph does not tell which of its ids are marked.
      if (!/already deleted/.test(String(error))) throw error;
    }
  }

  *[Symbol.iterator](): Iterator<number> {
    yield* this.live;
  }

  /**
   * Ids of the k nearest that it finds, about nearest first: fewer than there are, where no link leads to others. What it
   * knows of their similarity differs in the last bits from an exact search's, so it is not told.
   */
  search(query: Float32Array, { k, ef, accepts }: GraphQuery): number[] {
    const values = this.valuesOf(query);
    this.index.setEf(Math.max(ef, k));
    return this.index.searchKnn(values, Math.min(k, this.count), accepts).neighbors;
  }

  /** @throws an error of code ENOSPC when the file came out short */
  save(file: string): void {
    this.index.writeIndexSync(file);
    if (isWhole(file)) return;
    throw Object.assign(new Error(`${file} could not be written whole.`), { code: 'ENOSPC' });
  }

  private valuesOf(vector: Float32Array): number[] {
    const { values, dimension } = this;
    if (vector.length !== dimension)
      throw new RangeError(`A vector of length ${vector.length}, expected ${dimension}.`);
    for (let i = 0; i < dimension; i++) {
      if (!Number.isFinite(vector[i])) throw new RangeError('A vector holds a value that is not finite.');
      values[i] = vector[i];
    }
    return values;
  }
}

/**
 * Whether a graph's file is as long as its own fields say (hnswlib's saveIndex, hnswalg.h): a header, so many elements
 * of equal size, then for each the length in bytes of its links in the upper layers and the links.
 */
function isWhole(file: string): boolean {
  const headerBytes = 96;
  const handle = openSync(file, 'r');
  try {
    const fileBytes = fstatSync(handle).size;
    if (fileBytes < headerBytes) return false;
    const header = Buffer.alloc(headerBytes);
    readSync(handle, header, 0, headerBytes, 0);
    const count = Number(header.readBigUInt64LE(16));
    const elementBytes = Number(header.readBigUInt64LE(24));
    const start = headerBytes + count * elementBytes;
    const links = Buffer.alloc(Math.max(0, fileBytes - start));
    readSync(handle, links, 0, links.length, start);
    let at = 0;
    for (let i = 0; i < count; i++) {
      if (at + 4 > links.length) return false;
      at += 4 + links.readUInt32LE(at);
    }
    return at === links.length;
  } finally {
    closeSync(handle);
  }
}
