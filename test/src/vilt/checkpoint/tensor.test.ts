import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { readTensor, type DType, type Tensor } from '../../../../src/vilt/checkpoint/tensor.js';
import { temporaryFolder } from '../../../fixture.js';

describe('readTensor', () => {
  const folder = temporaryFolder();

  /** The tensor that these bytes are after three bytes of something else, so that nothing is aligned. */
  function tensorOf(dtype: DType, data: ArrayBufferView, length: number): Tensor {
    const file = path.join(folder.path, dtype);
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    writeFileSync(file, Buffer.concat([Buffer.from('abc'), bytes, Buffer.from('rest')]));
    return { name: 'x', dtype, shape: [length], file, offset: 3, byteLength: data.byteLength };
  }

  const cases: [DType, ArrayBufferView, number[]][] = [
    ['F32', Float32Array.of(1.5, -0.1, Infinity), [1.5, Math.fround(-0.1), Infinity]],
    ['F64', Float64Array.of(0.1, -1e300), [Math.fround(0.1), -Infinity]],
    ['BF16', Uint16Array.of(0x3f80, 0xc049, 0x0000, 0xff80), [1, -3.140625, 0, -Infinity]],
    ['I64', BigInt64Array.of(-1n, 101n), [-1, 101]],
    ['U64', BigUint64Array.of(7n), [7]],
    ['I32', Int32Array.of(-70000), [-70000]],
    ['U32', Uint32Array.of(4294967295), [4294967296]],
    ['I16', Int16Array.of(-300), [-300]],
    ['U16', Uint16Array.of(65535), [65535]],
    ['I8', Int8Array.of(-128), [-128]],
    ['U8', Uint8Array.of(255), [255]],
    ['BOOL', Uint8Array.of(0, 1), [0, 1]],
  ];
  for (const [dtype, data, expected] of cases) {
    it(`gives ${dtype} as float32`, () => {
      assert.deepEqual([...readTensor(tensorOf(dtype, data, expected.length))], expected);
    });
  }

  it('gives F16 as float32: normal, subnormal, signed zero, infinite, not a number', () => {
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x03ff, 0x8000, 0x7c00, 0xfc00, 0x7e00, 0x3555);
    const expected = [1, -2, 65504, 2 ** -24, 1023 * 2 ** -24, -0, Infinity, -Infinity, NaN, 0.333251953125];
    assert.deepEqual([...readTensor(tensorOf('F16', bits, bits.length))], expected);
  });
});
