import onnxProto from 'onnx-proto';
import type { Precision } from '../device.js';
import { toHalf } from './quantization.js';
import { BUILDER_VERSION } from './version.js';

const { onnx } = onnxProto;

/** The operators used are those of ONNX opset 20 (Gelu is the newest of them). */
const OPSET = 20;
const IR_VERSION = 9;

/** ONNX Runtime's own operators. */
const MICROSOFT = 'com.microsoft';

const ELEMENT = {
  float32: onnx.TensorProto.DataType.FLOAT,
  float16: onnx.TensorProto.DataType.FLOAT16,
  int8: onnx.TensorProto.DataType.INT8,
  int64: onnx.TensorProto.DataType.INT64,
};

/** How the values of an initializer are written; `scale` is what int8 values are multiplied by, one an output. */
export type Form = 'float32' | 'float16' | 'int8' | 'scale';

/** Where the bytes of an initializer lie: a range of a file in the graph's own folder. */
export interface ExternalData {
  location: string;
  offset: number;
  byteLength: number;
}

/** The name of a value in a graph. */
export type Value = string;

type Attribute = number | readonly number[] | { float: number };

/** A length, or the name of one that is known only at run time. */
type Dimension = number | string;

export interface Weights {
  has(name: string): boolean;
  shapeOf(name: string): readonly number[];
  locate(name: string, form: Form): ExternalData;
}

/** Writes an ONNX graph node by node; weights stay where they are, as external data. */
export class GraphBuilder {
  private readonly nodes: onnxProto.onnx.INodeProto[] = [];
  private readonly initializers = new Map<string, onnxProto.onnx.ITensorProto>();
  private readonly inputs: onnxProto.onnx.IValueInfoProto[] = [];
  private readonly outputs: onnxProto.onnx.IValueInfoProto[] = [];

  constructor(
    private readonly weights: Weights,
    private readonly precision: Precision = 'fp32',
  ) {}

  /** The type of everything between inputs and outputs. */
  private get float(): 'float32' | 'float16' {
    return this.precision === 'fp16' ? 'float16' : 'float32';
  }

  input(name: string, type: 'float32' | 'int64', shape: readonly Dimension[]): Value {
    this.inputs.push(valueInfo(name, type, shape));
    return type === 'float32' && this.float === 'float16' ? this.node('Cast', [name], { to: ELEMENT.float16 }) : name;
  }

  output(name: string, value: Value, shape: readonly Dimension[]): void {
    const attribute = [attributeOf('to', ELEMENT.float32)];
    this.nodes.push({ name: `output_${name}`, opType: 'Cast', input: [value], output: [name], attribute });
    this.outputs.push(valueInfo(name, 'float32', shape));
  }

  /** A tensor of the checkpoint. */
  weight(name: string): Value {
    return this.external(name, this.float, this.weights.shapeOf(name));
  }

  /** Whether the checkpoint has that tensor. */
  has(name: string): boolean {
    return this.weights.has(name);
  }

  integers(values: readonly number[]): Value {
    return this.constant(
      `int64:${values.join(',')}`,
      ELEMENT.int64,
      [values.length],
      BigInt64Array.from(values, BigInt),
    );
  }

  scalar(value: number): Value {
    const values = Float32Array.of(value);
    const half = this.float === 'float16';
    return this.constant(`float:${value}`, ELEMENT[this.float], [], half ? toHalf(values) : values);
  }

  node(opType: string, input: readonly Value[], attributes: Record<string, Attribute> = {}, domain = ''): Value {
    const name = `${opType}_${this.nodes.length}`;
    const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value));
    this.nodes.push({ name, opType, domain, input: [...input], output: [name], attribute });
    return name;
  }

  /** x · weightᵀ + bias on (rows, inputs): Gemm reads PyTorch's (outputs, inputs) as it lies, so nothing is transposed. */
  linear(x: Value, name: string, { bias = true } = {}): Value {
    const added = bias ? [this.weight(`${name}.bias`)] : [];
    if (this.precision !== 'int8')
      return this.node('Gemm', [x, this.weight(`${name}.weight`), ...added], { transB: 1 });
    const [outputs, inputs] = this.weights.shapeOf(`${name}.weight`);
    const values = this.external(`${name}.weight`, 'int8', [inputs, outputs]);
    const scale = this.external(`${name}.weight`, 'scale', [outputs]);
    // Activations are quantised as they come, with one scale for the whole batch.
    return this.node('DynamicQuantizeMatMul', [x, values, scale, '', ...added], {}, MICROSOFT);
  }

  layerNorm(x: Value, name: string, epsilon: number): Value {
    const inputs = [x, this.weight(`${name}.weight`), this.weight(`${name}.bias`)];
    return this.node('LayerNormalization', inputs, { axis: -1, epsilon: { float: epsilon } });
  }

  reshape(x: Value, shape: Value | readonly number[]): Value {
    return this.node('Reshape', [x, typeof shape === 'string' ? shape : this.integers(shape)]);
  }

  build(): Uint8Array {
    const model = onnx.ModelProto.create({
      irVersion: IR_VERSION,
      producerName: 'patchword',
      producerVersion: String(BUILDER_VERSION),
      opsetImport: [
        { domain: '', version: OPSET },
        { domain: MICROSOFT, version: 1 },
      ],
      graph: {
        name: 'vilt',
        node: this.nodes,
        initializer: [...this.initializers.values()],
        input: this.inputs,
        output: this.outputs,
      },
    });
    return onnx.ModelProto.encode(model).finish();
  }

  private external(name: string, form: Form, dims: readonly number[]): Value {
    const key = form === 'float32' ? name : `${name}:${form}`;
    if (!this.initializers.has(key)) {
      const { location, offset, byteLength } = this.weights.locate(name, form);
      this.initializers.set(key, {
        name: key,
        dims: [...dims],
        dataType: ELEMENT[form === 'scale' ? 'float32' : form],
        dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
        externalData: [
          { key: 'location', value: location },
          { key: 'offset', value: String(offset) },
          { key: 'length', value: String(byteLength) },
        ],
      });
    }
    return key;
  }

  private constant(name: string, dataType: number, dims: number[], values: ArrayBufferView): Value {
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.initializers.set(name, { name, dims, dataType, rawData });
    return name;
  }
}

function valueInfo(name: string, type: keyof typeof ELEMENT, shape: readonly Dimension[]) {
  const dim = shape.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d }));
  return { name, type: { tensorType: { elemType: ELEMENT[type], shape: { dim } } } };
}

function attributeOf(name: string, value: Attribute): onnxProto.onnx.IAttributeProto {
  const types = onnx.AttributeProto.AttributeType;
  if (typeof value === 'number') return { name, type: types.INT, i: value };
  if ('float' in value) return { name, type: types.FLOAT, f: value.float };
  return { name, type: types.INTS, ints: [...value] };
}
