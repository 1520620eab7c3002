import assert from 'node:assert/strict';
import { isWithinLimits, recordSize, splitBatch } from '../../../src/store/limits.js';
import { STORE_LIMITS } from '../../../src/store/store.js';
import { imageRecord, type WholeRecord } from './records.js';

const DIMENSION = 8;
const record = (seed: number, changes: Partial<WholeRecord> = {}) => imageRecord(seed, DIMENSION, changes);
const split = (records: WholeRecord[]) => [...splitBatch(records)];

describe('batches of records', () => {
  it('are none of nothing', () => assert.deepEqual(split([]), []));

  it('hold what no batch may hold alone, for the store to refuse', () => {
    const large = record(1, { attributes: { text: 'x'.repeat(STORE_LIMITS.batchBytes) } });
    assert.ok(!isWithinLimits(recordSize(large)));
    assert.deepEqual(split([record(0), large, record(2)]), [[record(0)], [large], [record(2)]]);
  });

  it('are as large as they may be, in order', () => {
    const records = Array.from({ length: 700 }, (_, i) => record(i)); // Three items each.
    const batches = split(records);
    assert.deepEqual(batches.flat(), records);
    assert.deepEqual(
      batches.map(({ length }) => length),
      [333, 333, 34],
    );
  });

  it('are split by bytes, of texts as UTF-8 and of embeddings, but not of model inputs', () => {
    const text = 'é'.repeat(2 ** 20); // 2 MiB
    const [{ embedding }] = record(1).captions;
    const modelInput = { width: 2000, height: 2000, pixels: new Uint8Array(12e6) };
    const records = Array.from({ length: 6 }, (_, i) => record(i, { captions: [{ text, embedding }], modelInput }));
    assert.deepEqual(
      split(records).map(({ length }) => length),
      [3, 3],
    );
    const without = recordSize({ ...record(1), embedding: null, captions: [] }).bytes;
    const { bytes } = recordSize(record(1));
    const captions = record(1).captions.reduce((sum, caption) => sum + caption.text.length + 4 * DIMENSION, 0);
    assert.equal(bytes, without + 4 * DIMENSION + captions);
  });
});
