import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { VectorGraph } from '../../../../src/store/sqlite/vectors.js';
import { temporaryFolder } from '../../../fixture.js';
import { clusteredUnits, exactNearest, randomUnit, seededRandom } from '../records.js';

const DIMENSION = 8;

function search(graph: VectorGraph, query: Float32Array, k: number): number[] {
  return graph.search(query, { k, ef: 2 * k });
}

describe('HNSW graph', () => {
  const folder = temporaryFolder();
  const random = seededRandom(1);
  const vector = () => randomUnit(random, DIMENSION);

  it('refuses ids that hnswlib would cut to 32 bits', () => {
    const graph = VectorGraph.create(DIMENSION);
    for (const id of [2 ** 32, 2 ** 32 + 1, 2 ** 40, -1, 1.5, NaN]) {
      assert.throws(() => graph.add(id, vector()), RangeError, `${id}`);
    }
    assert.equal(graph.size, 0);
    const last = vector();
    graph.add(2 ** 32 - 1, last);
    assert.deepEqual(search(graph, last, 1), [2 ** 32 - 1]);
  });

  it('refuses vectors and queries of another length, or that are not finite', () => {
    const graph = VectorGraph.create(DIMENSION);
    graph.add(1, vector());
    const wrong = [
      new Float32Array(0),
      vector().subarray(1),
      new Float32Array(9),
      vector().fill(NaN, 2, 3),
      vector().fill(-Infinity, 7),
    ];
    for (const other of wrong) {
      assert.throws(() => graph.add(2, other), RangeError);
      assert.throws(() => search(graph, other, 1), RangeError);
    }
    assert.equal(graph.size, 1);
  });

  it('answers a k above its capacity, its size or zero vectors', () => {
    const graph = VectorGraph.create(DIMENSION);
    assert.deepEqual(search(graph, vector(), 5), []);
    for (let id = 1; id <= 3; id++) graph.add(id, vector());
    assert.deepEqual(search(graph, vector(), 1_000_000).sort(), [1, 2, 3]);
  });

  it('grows in place past its first capacity, and again after loading', () => {
    const graph = VectorGraph.create(DIMENSION);
    const vectors = Array.from({ length: 1700 }, vector);
    vectors.forEach((each, id) => graph.add(id, each));
    const file = path.join(folder.path, 'grown.hnsw');
    graph.save(file);
    const loaded = VectorGraph.load(file, DIMENSION);
    for (let id = 1700; id < 3000; id++) {
      vectors.push(vector());
      loaded.add(id, vectors[id]);
    }
    assert.equal(loaded.size, 3000);
    for (const id of [0, 1023, 1024, 1699, 1700, 2999]) assert.deepEqual(search(loaded, vectors[id], 1), [id]);
  });

  it('hides what is deleted, and takes another vector under the same id', () => {
    const graph = VectorGraph.create(DIMENSION);
    const vectors = Array.from({ length: 50 }, vector);
    vectors.forEach((each, id) => graph.add(id, each));
    graph.delete(7);
    graph.delete(7);
    graph.delete(999);
    assert.deepEqual([graph.count, graph.size, graph.has(7)], [49, 50, false]);
    assert.ok(!search(graph, vectors[7], 50).includes(7));
    const file = path.join(folder.path, 'deleted.hnsw');
    graph.save(file);
    for (const each of [graph, VectorGraph.load(file, DIMENSION)]) {
      each.delete(7); // A loaded graph hides it too, but has to be told.
      assert.ok(!search(each, vectors[7], 50).includes(7));
      const other = vector();
      each.add(7, other);
      assert.deepEqual([each.count, each.size], [50, 50]);
      assert.deepEqual(search(each, other, 1), [7]);
      assert.ok(search(each, vectors[7], 1)[0] !== 7);
    }
  });

  it('reaches a recall@10 of 0.95 on 5,000 clustered vectors of 64 dimensions', function () {
    this.timeout(60_000);
    const vectors = clusteredUnits({ seed: 5, count: 5000, dimension: 64, clusters: 50 });
    const graph = VectorGraph.create(64);
    vectors.forEach((each, id) => graph.add(id, each));
    const queries = clusteredUnits({ seed: 6, count: 20, dimension: 64, clusters: 50 });
    queries.push(...vectors.slice(0, 80));
    let hits = 0;
    for (const query of queries) {
      const expected = new Set(exactNearest(vectors.entries(), query, 10).map(({ id }) => id));
      hits += graph.search(query, { k: 10, ef: 128 }).filter((id) => expected.has(id)).length;
    }
    assert.ok(hits / 1000 >= 0.95, `recall ${hits / 1000}`);
  });

  it('finds none but the ids that it is told to accept', () => {
    const graph = VectorGraph.create(DIMENSION);
    const vectors = Array.from({ length: 500 }, vector);
    vectors.forEach((each, id) => graph.add(id, each));
    graph.delete(10);
    const accepts = (id: number) => id % 10 === 0;
    const found = graph.search(vectors[3], { k: 500, ef: 500, accepts });
    const expected = Array.from({ length: 50 }, (_, i) => 10 * i).filter((id) => id !== 10);
    assert.deepEqual(
      found.toSorted((a, b) => a - b),
      expected,
    );
    assert.deepEqual(graph.search(vectors[3], { k: 5, ef: 5, accepts: () => false }), []);
    assert.equal(graph.search(vectors[3], { k: 1, ef: 1 })[0], 3);
  });

  it('tells a file that came out short', () => {
    const graph = VectorGraph.create(DIMENSION);
    for (let id = 0; id < 2000; id++) graph.add(id, vector());
    assert.throws(() => graph.save(path.join(folder.path, 'no-such-folder', 'x.hnsw')), { code: 'ENOENT' });
    const full = '/dev/full'; // Every write to it fails for want of space, of which hnswlib says nothing.
    if (existsSync(full)) assert.throws(() => graph.save(full), { code: 'ENOSPC' });
  });
});
