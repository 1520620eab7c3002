import assert from 'node:assert/strict';
import { Best, VectorTable } from '../../../../src/store/sqlite/exact.js';
import { dot } from '../../../../src/vector.js';
import { exactNearest, randomUnit, seededRandom } from '../records.js';

describe('exact search', () => {
  it('keeps the k best of any sequence, ties by id', () => {
    const random = seededRandom(1);
    for (let round = 0; round < 200; round++) {
      const k = Math.floor(random() * 12);
      const offered = Array.from({ length: Math.floor(random() * 40) }, (_, i) => ({
        id: i + 1,
        similarity: Math.floor(random() * 8) / 8, // few values, so many ties
      })).sort(() => random() - 0.5);
      const best = new Best(k);
      for (const { id, similarity } of offered) best.offer(id, similarity);
      const expected = offered.toSorted((a, b) => b.similarity - a.similarity || a.id - b.id).slice(0, k);
      assert.deepEqual(best.sorted(), expected);
    }
  });

  it('computes inner products at any length and offset', () => {
    const random = seededRandom(2);
    for (const dimension of [1, 2, 3, 4, 5, 7, 8, 63]) {
      const query = randomUnit(random, dimension);
      const vectors = Float32Array.from({ length: 3 * dimension }, () => random());
      const expected = query.reduce((sum, value, i) => sum + value * vectors[dimension + i], 0);
      assert.ok(Math.abs(dot(query, vectors, dimension) - expected) < 1e-6);
    }
  });

  it('gives memory back when it is cleared', () => {
    const table = new VectorTable(8);
    const vectors = () => Reflect.get(table, 'vectors') as Float32Array;
    for (let id = 0; id < 1000; id++) table.push(id, new Float32Array(8).fill(id));
    assert.ok(vectors().length >= 8000);
    table.clear();
    assert.equal(vectors().length, 8 * 64);
    table.push(7, new Float32Array(8).fill(7));
    assert.deepEqual([...table], [7]);
  });

  it('finds, takes off the front and removes rows as it grows', () => {
    const dimension = 6;
    const random = seededRandom(3);
    const table = new VectorTable(dimension);
    let expected: [number, Float32Array][] = [];
    for (let id = 1; id <= 500; id++) {
      const vector = randomUnit(random, dimension);
      table.push(id, vector);
      expected.push([id, vector]);
      if (id % 3 === 0) {
        const [first, vector] = expected.shift()!;
        assert.equal(table.first, first);
        const taken = table.shift();
        assert.deepEqual([taken.id, taken.vector], [first, vector]);
      }
      if (id % 50 === 0) {
        const lost = new Set(expected.filter(() => random() < 0.3).map(([lostId]) => lostId));
        table.remove(lost);
        expected = expected.filter(([kept]) => !lost.has(kept));
      }
      assert.equal(table.count, expected.length);
    }
    assert.deepEqual(
      [...table],
      expected.map(([id]) => id),
    );
    const query = randomUnit(random, dimension);
    const best = new Best(20);
    table.search(query, best);
    assert.deepEqual(
      best.sorted().map(({ id }) => id),
      exactNearest(expected, query, 20).map(({ id }) => id),
    );
  });
});
