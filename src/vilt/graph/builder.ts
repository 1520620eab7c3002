import onnxProto from 'onnx-proto';

const { onnx } = onnxProto;

/** The operators used are those of ONNX opset 20 (Gelu is the newest of them). */
const OPSET = 20;
const IR_VERSION = 9;

/** Raises the version of every cached graph: change it with anything that changes what a builder writes. */
export const BUILDER_VERSION = 1;

const ELEMENT = { float32: onnx.TensorProto.DataType.FLOAT, int64: onnx.TensorProto.DataType.INT64 };

/** Where the bytes of a float32 initializer lie: a range of a file in the graph's own folder. */
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

/** Writes an ONNX graph node by node; weights stay where they are, as external data. */
export class GraphBuilder {
  private readonly nodes: onnxProto.onnx.INodeProto[] = [];
  private readonly initializers = new Map<string, onnxProto.onnx.ITensorProto>();
  private readonly inputs: onnxProto.onnx.IValueInfoProto[] = [];
  private readonly outputs: onnxProto.onnx.IValueInfoProto[] = [];

  constructor(private readonly locate: (name: string) => { shape: readonly number[]; data: ExternalData }) {}

  input(name: string, type: keyof typeof ELEMENT, shape: readonly Dimension[]): Value {
    this.inputs.push(valueInfo(name, type, shape));
    return name;
  }

  output(name: string, value: Value, shape: readonly Dimension[]): void {
    this.nodes.push({ name: `output_${name}`, opType: 'Identity', input: [value], output: [name] });
    this.outputs.push(valueInfo(name, 'float32', shape));
  }

  /** A tensor of the checkpoint, optionally under another shape of the same length. */
  weight(name: string, shape?: readonly number[]): Value {
    const { shape: stored, data } = this.locate(name);
    const key = shape ? `${name}:${shape.join('x')}` : name;
    if (!this.initializers.has(key)) {
      this.initializers.set(key, {
        name: key,
        dims: [...(shape ?? stored)],
        dataType: ELEMENT.float32,
        dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
        externalData: [
          { key: 'location', value: data.location },
          { key: 'offset', value: String(data.offset) },
          { key: 'length', value: String(data.byteLength) },
        ],
      });
    }
    return key;
  }

  integers(values: readonly number[]): Value {
    return this.constant(`int64:${values.join(',')}`, ELEMENT.int64, [values.length], BigInt64Array.from(values, BigInt));
  }

  scalar(value: number): Value {
    return this.constant(`float:${value}`, ELEMENT.float32, [], Float32Array.of(value));
  }

  node(opType: string, input: readonly Value[], attributes: Record<string, Attribute> = {}): Value {
    const name = `${opType}_${this.nodes.length}`;
    const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value));
    this.nodes.push({ name, opType, input: [...input], output: [name], attribute });
    return name;
  }

  /** x · weightᵀ + bias on (rows, inputs): Gemm reads PyTorch's (outputs, inputs) as it lies, so nothing is transposed. */
  linear(x: Value, name: string, { bias = true } = {}): Value {
    const inputs = [x, this.weight(`${name}.weight`), ...(bias ? [this.weight(`${name}.bias`)] : [])];
    return this.node('Gemm', inputs, { transB: 1 });
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
      opsetImport: [{ domain: '', version: OPSET }],
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

  private constant(name: string, dataType: number, dims: number[], values: Float32Array | BigInt64Array): Value {
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
