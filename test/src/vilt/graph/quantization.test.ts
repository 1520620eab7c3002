import assert from 'node:assert/strict';
import { quantize, toHalf } from '../../../../src/vilt/graph/quantization.js';
import { halfValue, random } from '../variant.js';

describe('quantize', () => {
  it('leaves a row of zeros as zeros', () => {
    const { values, scales } = quantize(Float32Array.of(0, 0, 1, -1), 2);
    assert.deepEqual([...values], [0, 63, 0, -63]); // (inputs, outputs)
    assert.deepEqual([...scales], [1, Math.fround(1 / 63)]);
  });

  it('gives each output a scale of its own, and transposes', () => {
    const { values, scales } = quantize(Float32Array.of(63, -126, 31.5, 0.5, 0.25, -0.125), 2);
    assert.deepEqual([...scales], [2, 0.5 / 63].map(Math.fround));
    assert.deepEqual([...values], [32, 63, -63, 32, 16, -16]);
  });

  it('is within half a step of every weight, and uses the whole range of seven bits', () => {
    const next = random(5);
    const [outputs, inputs] = [16, 33];
    const weight = Float32Array.from({ length: outputs * inputs }, () => next() ** 3 - 0.4);
    const { values, scales } = quantize(weight, outputs);
    for (let output = 0; output < outputs; output++) {
      const column = Array.from({ length: inputs }, (_, input) => values[input * outputs + output]);
      assert.equal(Math.max(...column.map(Math.abs)), 63);
      column.forEach((value, input) => {
        const error = Math.abs(value * scales[output] - weight[output * inputs + input]);
        assert.ok(error <= 0.5001 * scales[output], `${error} at (${output}, ${input})`);
      });
    }
  });
});

describe('toHalf', () => {
  const one = (value: number) => toHalf(Float32Array.of(value))[0];

  it('keeps what is not a number, and makes what is too large the largest', () => {
    assert.equal(one(NaN), 0x7e00);
    assert.equal(one(Infinity), 0x7bff);
    assert.equal(one(-Infinity), 0xfbff);
    assert.equal(one(65504), 0x7bff);
    assert.equal(one(-70000), 0xfbff);
    assert.equal(one(3.4e38), 0x7bff);
  });

  it('keeps every half as it is', () => {
    const bits = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i).filter((i) => Number.isFinite(halfValue(i)));
    assert.equal(bits.length, 2 ** 16 - 2 * 1024);
    assert.deepEqual(toHalf(Float32Array.from(bits, halfValue)), bits);
  });

  it('rounds to the nearest, and to the even one from the middle', () => {
    for (let below = 0; below < 0x7bff; below++) {
      const middle = (halfValue(below) + halfValue(below + 1)) / 2; // exact in float32
      const even = below % 2 === 0 ? below : below + 1;
      const step = middle * 2 ** -20;
      if (one(middle) !== even) assert.fail(`${middle} became ${one(middle)}, not ${even}`);
      if (one(-middle) !== (even | 0x8000)) assert.fail(`${-middle} became ${one(-middle)}`);
      if (one(middle - step) !== below) assert.fail(`${middle - step} became ${one(middle - step)}, not ${below}`);
      if (one(middle + step) !== below + 1) assert.fail(`${middle + step} became ${one(middle + step)}`);
    }
  });

  it('has signed zeros and subnormals', () => {
    assert.equal(one(-0), 0x8000);
    assert.equal(one(2 ** -24), 1);
    assert.equal(one(2 ** -25), 0);
    assert.equal(one(-(2 ** -26)), 0x8000);
    assert.equal(one(1e-40), 0);
  });
});
