import assert from 'node:assert/strict';
import { canonicalCorrelation, type CanonicalProjection } from '../../../src/prefilter/cca.js';
import { MomentSums } from '../../../src/prefilter/moments.js';

function generator(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

const project = ({ weight, bias }: CanonicalProjection, row: Float32Array) =>
  Array.from(bias, (value, d) => row.reduce((sum, x, i) => sum + weight[d * row.length + i] * x, value));

function correlation(a: number[], b: number[]): number {
  const mean = (values: number[]) => values.reduce((x, y) => x + y, 0) / values.length;
  const [ma, mb] = [mean(a), mean(b)];
  const product = (x: number[], mx: number, y: number[], my: number) =>
    x.reduce((sum, value, i) => sum + (value - mx) * (y[i] - my), 0);
  return product(a, ma, b, mb) / Math.sqrt(product(a, ma, a, ma) * product(b, mb, b, mb));
}

describe('MomentSums', () => {
  it('gives means and covariance, however the rows arrive, and keeps small variances on large means', () => {
    const normal = generator(1);
    const rows = Array.from({ length: 103 }, () => Float32Array.of(1e4 + normal(), normal(), 7));
    const whole = new MomentSums(3);
    whole.add(rows);
    const parts = new MomentSums(3);
    for (let i = 0; i < rows.length; i += 10) parts.add(rows.slice(i, i + 10));
    const { mean, covariance, count } = whole.moments();
    assert.equal(count, 103);
    const column = (i: number) => rows.map((row) => row[i]);
    const average = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    for (let i = 0; i < 3; i++) {
      assert.ok(Math.abs(mean[i] - average(column(i))) < 1e-8);
      for (let j = 0; j < 3; j++) {
        const expected = average(column(i).map((x, row) => (x - mean[i]) * (column(j)[row] - mean[j])));
        assert.ok(Math.abs(covariance[3 * i + j] - expected) < 1e-6, `${i},${j}`);
      }
    }
    assert.equal(covariance[8], 0, 'a constant feature varies by exactly nothing');
    parts.moments().covariance.forEach((value, i) => assert.ok(Math.abs(value - covariance[i]) < 1e-9));
  });
});

describe('canonicalCorrelation', () => {
  /** Views of 5 and 4 features that share two causes; the last of the first view is constant. */
  function sample(count: number, seed = 2) {
    const normal = generator(seed);
    const sums = new MomentSums(9);
    const first: Float32Array[] = [];
    const second: Float32Array[] = [];
    for (let i = 0; i < count; i++) {
      const [a, b] = [normal(), normal()];
      first.push(Float32Array.of(a + 0.1 * normal(), 100 * b + 50 * normal(), normal(), a + b + normal(), 3));
      second.push(Float32Array.of(normal(), -a + 0.1 * normal(), 0.01 * (b + 0.5 * normal()), normal()));
    }
    sums.add(first.map((row, i) => Float32Array.of(...row, ...second[i])));
    const views = { moments: sums.moments(), first: [0, 1, 2, 3, 4], second: [5, 6, 7, 8] };
    return { views, rows: { first, second } };
  }

  it('finds directions whose correlations are those it tells, each uncorrelated with the others', () => {
    const { rows, views: both } = sample(5000);
    const { correlations, first, second } = canonicalCorrelation(both, { dimension: 3, regularisation: 1e-9 });
    assert.equal(correlations.length, 3);
    assert.ok(correlations[0] > 0.98 && correlations[1] > 0.75 && correlations[2] < 0.1, String(correlations));
    const x = rows.first.map((row) => project(first, row));
    const y = rows.second.map((row) => project(second, row));
    const column = (table: number[][], d: number) => table.map((row) => row[d]);
    for (let d = 0; d < 3; d++) {
      assert.ok(Math.abs(correlation(column(x, d), column(y, d)) - correlations[d]) < 1e-4);
      for (let e = 0; e < d; e++) assert.ok(Math.abs(correlation(column(x, d), column(x, e))) < 1e-4);
      assert.ok(Math.abs(column(x, d).reduce((a, b) => a + b, 0) / x.length) < 1e-3, 'centred');
    }
  });

  it('gives a constant feature no weight, and finds nothing where all are constant', () => {
    const { views: both } = sample(500);
    const { first } = canonicalCorrelation(both, { dimension: 2, regularisation: 0.1 });
    assert.deepEqual([first.weight[4], first.weight[9]], [0, 0]);
    const constant = canonicalCorrelation({ ...both, first: [4] }, { dimension: 2, regularisation: 0.1 });
    assert.equal(constant.correlations.length, 0);
  });

  it('stays finite with fewer pairs than features, and trusts them less the more it is regularised', () => {
    const { views: both } = sample(4);
    const loose = canonicalCorrelation(both, { dimension: 4, regularisation: 1e-6 });
    const tight = canonicalCorrelation(both, { dimension: 4, regularisation: 1 });
    assert.ok([...loose.first.weight, ...loose.second.weight].every(Number.isFinite));
    assert.ok(loose.correlations[0] > 0.99 && tight.correlations[0] < 0.9);
  });

  it('gives the same numbers for the same moments', () => {
    const { views: both } = sample(200);
    const options = { dimension: 3, regularisation: 0.01 };
    assert.deepEqual(canonicalCorrelation(both, options), canonicalCorrelation(both, options));
  });
});
