import { PRECISIONS, type Precision } from '../../../../src/vilt/device.js';
import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import onnxProto from 'onnx-proto';
import { GraphBuilder, type Weights } from '../../../../src/vilt/graph/builder.js';
import { BUILDER_VERSION } from '../../../../src/vilt/graph/version.js';
import { quantize, toHalf } from '../../../../src/vilt/graph/quantization.js';
import { Session, type TensorValue } from '../../../../src/vilt/session.js';
import { temporaryFolder } from '../../../fixture.js';
import { halfValue, largestDifference, weights, type Values } from '../variant.js';

const ROWS = 4;
const INPUTS = 24;
const OUTPUTS = 10;

describe('GraphBuilder', () => {
  const folder = temporaryFolder();
  const tensors: Record<string, Values> = {
    'layer.weight': weights(1, [OUTPUTS, INPUTS]),
    'layer.bias': weights(2, [OUTPUTS]),
    'norm.weight': weights(3, [INPUTS]),
    'norm.bias': weights(4, [INPUTS]),
  };
  const x = weights(5, [ROWS, INPUTS], 2).values;

  /** Weights that lie one after the other in one file, each form of each once. */
  function weightsIn(name: string, { start = 0 } = {}): Weights & { located: string[] } {
    let end = start;
    const located: string[] = [];
    writeFileSync(path.join(folder.path, name), Buffer.alloc(start));
    return {
      located,
      has: (tensor) => tensor in tensors,
      shapeOf: (tensor) => tensors[tensor].shape,
      locate(tensor, form) {
        located.push(`${tensor}:${form}`);
        const { values, shape } = tensors[tensor];
        const forms = {
          float32: () => values,
          float16: () => toHalf(values),
          int8: () => quantize(values, shape[0]).values,
          scale: () => quantize(values, shape[0]).scales,
        };
        const data = forms[form]();
        appendFileSync(path.join(folder.path, name), Buffer.from(data.buffer, data.byteOffset, data.byteLength));
        const offset = end;
        end += data.byteLength;
        return { location: name, offset, byteLength: data.byteLength };
      },
    };
  }

  /** Builds a graph of one input x (rows, inputs) and one output y, and runs it. */
  async function run(
    name: string,
    { precision = 'fp32', width = INPUTS, start }: { precision?: Precision; width?: number; start?: number },
    body: (graph: GraphBuilder, x: string) => string,
    feeds: Record<string, TensorValue> = {},
  ) {
    const graph = new GraphBuilder(weightsIn(`${name}.bin`, { start }), precision);
    const value = body(graph, graph.input('x', 'float32', ['rows', INPUTS]));
    graph.output('y', value, ['rows', width]);
    const file = path.join(folder.path, `${name}.onnx`);
    writeFileSync(file, graph.build());
    const session = await Session.open(file, { device: 'cpu' });
    const result = await session.run({ x: { data: x, dims: [ROWS, INPUTS] }, ...feeds }, 'y');
    await session.close();
    return result;
  }

  /** x · weightᵀ + bias */
  function linear(bias: boolean): number[] {
    const { 'layer.weight': weight, 'layer.bias': added } = tensors;
    return Array.from({ length: ROWS * OUTPUTS }, (_, i) => {
      const [row, output] = [Math.floor(i / OUTPUTS), i % OUTPUTS];
      let sum = bias ? added.values[output] : 0;
      for (let k = 0; k < INPUTS; k++) sum += x[row * INPUTS + k] * weight.values[output * INPUTS + k];
      return sum;
    });
  }

  const TOLERANCES: Record<Precision, number> = { fp32: 1e-6, fp16: 0.005, int8: 0.05 };
  for (const precision of PRECISIONS) {
    for (const bias of [true, false]) {
      it(`has linear layers with${bias ? '' : 'out'} a bias in ${precision}`, async () => {
        const name = `linear-${precision}-${bias}`;
        const width = OUTPUTS;
        const { data, dims } = await run(name, { precision, width }, (graph, x) => graph.linear(x, 'layer', { bias }));
        assert.deepEqual([...dims], [ROWS, OUTPUTS]);
        assert.ok(data instanceof Float32Array); // whatever the arithmetic inside
        const difference = largestDifference(data, linear(bias));
        assert.ok(difference <= TOLERANCES[precision], String(difference));
        assert.ok(precision === 'fp32' || difference > 1e-6);
      });
    }

    it(`normalises layers in ${precision}`, async () => {
      const epsilon = 0.25; // large enough to show
      const { data } = await run(`norm-${precision}`, { precision }, (graph, x) => graph.layerNorm(x, 'norm', epsilon));
      const expected = Array.from({ length: ROWS }, (_, row) => {
        const own = [...x.subarray(row * INPUTS, (row + 1) * INPUTS)];
        const mean = own.reduce((a, b) => a + b, 0) / INPUTS;
        const variance = own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / INPUTS;
        const { 'norm.weight': weight, 'norm.bias': bias } = tensors;
        return own.map(
          (value, i) => ((value - mean) / Math.sqrt(variance + epsilon)) * weight.values[i] + bias.values[i],
        );
      }).flat();
      assert.ok(largestDifference(data, expected) <= (precision === 'fp16' ? 0.001 : 1e-6));
    });

    it(`multiplies by a number in ${precision}`, async () => {
      const { data } = await run(`scalar-${precision}`, { precision }, (graph, x) =>
        graph.node('Mul', [x, graph.scalar(0.1)]),
      );
      const tenth = precision === 'fp16' ? halfValue(toHalf(Float32Array.of(0.1))[0]) : Math.fround(0.1);
      const expected = Array.from(x, (value) => value * tenth);
      assert.ok(largestDifference(data, expected) <= (precision === 'fp16' ? 0.001 : 1e-6));
    });
  }

  it('reads whole numbers, and lengths known only at run time', async () => {
    const { data, dims } = await run(
      'slice',
      {},
      (graph, x) => {
        const ends = graph.input('ends', 'int64', [1]);
        const first = graph.node('Slice', [x, graph.integers([0]), ends, graph.integers([0])]);
        return graph.reshape(graph.reshape(first, [-1, 2, INPUTS / 2]), [-1, INPUTS]);
      },
      { ends: { data: BigInt64Array.of(3n), dims: [1] } },
    );
    assert.deepEqual([...dims], [3, INPUTS]);
    assert.deepEqual(data, x.subarray(0, 3 * INPUTS));
  });

  it('reads weights wherever they lie in their file', async () => {
    const { data } = await run('unaligned', { width: OUTPUTS, start: 5 }, (graph, x) => graph.linear(x, 'layer'));
    assert.ok(largestDifference(data, linear(true)) <= 1e-6);
  });

  it('names each weight once, as a range of a file, and holds none of it', () => {
    const weights = weightsIn('twice.bin');
    const graph = new GraphBuilder(weights);
    const x = graph.input('x', 'float32', ['rows', INPUTS]);
    const once = graph.linear(x, 'layer');
    graph.output('y', graph.node('Add', [once, graph.linear(x, 'layer')]), ['rows', OUTPUTS]);
    const bytes = graph.build();
    assert.deepEqual(weights.located, ['layer.bias:float32', 'layer.weight:float32']);
    const model = onnxProto.onnx.ModelProto.decode(bytes);
    assert.equal(model.producerName, 'patchword');
    assert.equal(model.producerVersion, String(BUILDER_VERSION));
    const [bias, weight] = model.graph!.initializer!;
    assert.deepEqual(
      weight.externalData!.map(({ key, value }) => `${key}=${value}`),
      ['location=twice.bin', `offset=${4 * OUTPUTS}`, `length=${4 * OUTPUTS * INPUTS}`],
    );
    assert.equal(bias.externalData!.find(({ key }) => key === 'offset')?.value, '0');
    assert.ok([weight, bias].every(({ rawData }) => !rawData?.length));
  });
});
