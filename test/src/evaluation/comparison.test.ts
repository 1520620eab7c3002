import assert from 'node:assert/strict';
import { compareResults } from '../../../src/evaluation/comparison.js';
import type { RetrievalResult, Row } from '../../../src/evaluation/result.js';
import { retrievalResult } from './retrieval.js';

/** A result with these rows alone, of four queries of four images. */
function resultOf(rows: Partial<Row>[], changes: Partial<RetrievalResult> = {}): RetrievalResult {
  const base = retrievalResult();
  const [template] = base.rows;
  const queries = { 'text-to-image': [0, 1, 2, 3], 'image-to-text': [] };
  return { ...base, queries, rows: rows.map((row) => ({ ...template, queries: 4, ...row })), ...changes };
}

const staged = { direction: 'text-to-image', stage: 'two-stage', candidates: 32, order: 'matchScore' } as const;

describe('comparing two results', () => {
  const compare = (a: RetrievalResult, b: RetrievalResult) =>
    compareResults({ name: 'a.json', result: a }, { name: 'b.json', result: b });

  it('gives differences of recall with paired intervals', () => {
    const a = resultOf([{ ...staged, 'R@1': 25, 'R@5': 75, 'R@10': 100, ranks: [1, 2, 7, 3] }]);
    const b = resultOf([{ ...staged, 'R@1': 75, 'R@5': 100, 'R@10': 100, ranks: [1, 1, 2, 1] }]);
    const { rows, paired, changes, only } = compare(a, b);
    assert.deepEqual([paired, changes, only], [true, [], { a: [], b: [] }]);
    const [{ 'R@1': first, 'R@5': five, 'R@10': ten, ...ranking }] = rows;
    assert.deepEqual(ranking, { ...staged, millisecondsAQuery: { a: 2, b: 2 } });
    assert.deepEqual([first.a, first.b, first.points], [25, 75, 50]);
    // Two of four queries gain: a resample gains between none and all of them.
    assert.deepEqual(first.interval, [0, 100]);
    assert.deepEqual([five.points, ten.points, ten.interval], [25, 0, [0, 0]]);
  });

  it('finds no difference between a result and itself', () => {
    const result = retrievalResult();
    const { rows, changes } = compare(result, structuredClone(result));
    assert.equal(rows.length, result.rows.length);
    assert.deepEqual(changes, []);
    for (const row of rows) assert.deepEqual([row['R@1'].points, row['R@1'].interval], [0, [0, 0]]);
  });

  it('says what was done differently, and what only one measured', () => {
    const { model, versions, dataset } = retrievalResult();
    const a = resultOf([staged, { ...staged, candidates: 10 }]);
    const b = resultOf([staged, { ...staged, stage: 'exhaustive', candidates: null }], {
      model: { ...model, precision: 'int8' },
      versions: { ...versions, node: '22.1.0' },
      dataset: {
        ...dataset,
        missing: ['a', 'b', 'c', 'd', 'e'].map((name) => ({ file: `${name}.jpg`, reason: 'gone' })),
      },
    });
    const { changes, only, rows } = compare(a, b);
    assert.deepEqual(changes, [
      { what: 'precision', a: 'fp32', b: 'int8' },
      { what: 'pictures that cannot be read', a: 'none', b: 'a.jpg, b.jpg, c.jpg, 2 more' },
      { what: 'Node', a: '20.19.0', b: '22.1.0' },
    ]);
    assert.equal(rows.length, 1);
    assert.deepEqual(only.a, [{ ...staged, candidates: 10 }]);
    assert.deepEqual(only.b, [{ ...staged, stage: 'exhaustive', candidates: null }]);
  });

  it('has no intervals for other queries', () => {
    const sample = { queries: 4, seed: 1, of: { 'text-to-image': 9, 'image-to-text': 9 } };
    const row = { ...staged, ranks: [1, 1, 2, 1], 'R@1': 75 };
    const a = resultOf([row], { sample });
    const b = resultOf([row], {
      sample: { ...sample, seed: 2 },
      queries: { 'text-to-image': [0, 1, 2, 5], 'image-to-text': [] },
    });
    const { paired, rows, changes } = compare(a, b);
    assert.equal(paired, false);
    assert.deepEqual([rows[0]['R@1'].points, rows[0]['R@1'].interval], [0, null]);
    assert.deepEqual(changes, [{ what: 'queries', a: '4 drawn with seed 1', b: '4 drawn with seed 2' }]);
  });

  it('refuses results of different tasks', () => {
    const a = retrievalResult();
    const { dataset } = a;
    const others: [RetrievalResult, RegExp][] = [
      [retrievalResult({ protocol: 'coco-5k' }), /protocol is whole-split in a\.json and coco-5k in b\.json/],
      [retrievalResult({ dataset: { ...dataset, split: 'val' } }), /split is test in a\.json and val/],
      [retrievalResult({ dataset: { ...dataset, captionsAnImage: 5 } }), /captions an image is all .* and 5/],
      [
        retrievalResult({ dataset: { ...dataset, hash: 'e'.repeat(64) } }),
        /hash .* is dddddddddddd in a\.json and eeeeeeeeeeee/,
      ],
    ];
    for (const [b, message] of others) assert.throws(() => compare(a, b), { code: 'INVALID_ARGUMENT', message });
  });
});
