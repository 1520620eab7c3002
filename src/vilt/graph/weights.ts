import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { readTensor, type Tensor } from '../checkpoint/tensor.js';
import type { ExternalData, Form, Weights } from './builder.js';
import { quantize, toHalf } from './quantization.js';

const CONVERTED = 'converted.bin';
const ALIGNMENT = 64;

/** float32 tensors lie in the checkpoint; every other form is written to one more file as it is asked for. */
export class WeightFiles implements Weights {
  private readonly written = new Map<string, ExternalData>();
  private end = 0;

  constructor(
    private readonly tensors: ReadonlyMap<string, Tensor>,
    private readonly files: ReadonlyMap<string, string>,
    private readonly folder: string,
  ) {}

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  shapeOf(name: string): readonly number[] {
    return this.tensor(name).shape;
  }

  locate(name: string, form: Form): ExternalData {
    const tensor = this.tensor(name);
    if (form === 'float32' && tensor.dtype === 'F32') {
      return { location: this.files.get(tensor.file)!, offset: tensor.offset, byteLength: tensor.byteLength };
    }
    const key = `${name}:${form}`;
    if (!this.written.has(key)) this.convert(tensor, form);
    return this.written.get(key)!;
  }

  private convert(tensor: Tensor, form: Form): void {
    const values = readTensor(tensor);
    if (form === 'float32') this.write(tensor.name, form, values);
    else if (form === 'float16') this.write(tensor.name, form, toHalf(values));
    else {
      const quantized = quantize(values, tensor.shape[0]);
      this.write(tensor.name, 'int8', quantized.values);
      this.write(tensor.name, 'scale', quantized.scales);
    }
  }

  private write(name: string, form: Form, values: Float32Array | Uint16Array | Int8Array): void {
    const { byteLength } = values;
    const padded = new Uint8Array(Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT);
    padded.set(new Uint8Array(values.buffer, values.byteOffset, byteLength));
    appendFileSync(path.join(this.folder, CONVERTED), padded);
    this.written.set(`${name}:${form}`, { location: CONVERTED, offset: this.end, byteLength });
    this.end += padded.byteLength;
  }

  private tensor(name: string): Tensor {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new Error(`A graph needs a tensor ${name} that the checkpoint does not hold.`);
    return tensor;
  }
}
