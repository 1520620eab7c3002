import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export interface GoldenTensor {
  shape: number[];
  data: Uint8Array | Float32Array | Float64Array | BigInt64Array;
}

const ARRAYS = { U8: Uint8Array, F32: Float32Array, F64: Float64Array, I64: BigInt64Array };

/** Golden tensors by name. Independent of the product's own reader, which has tests of its own; ".gz" is unpacked. */
export function readGolden(file: string): Map<string, GoldenTensor> {
  const bytes = file.endsWith('.gz') ? gunzipSync(readFileSync(file)) : readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<
    string,
    { dtype: keyof typeof ARRAYS; shape: number[]; data_offsets: [number, number] }
  >;
  delete header.__metadata__;
  return new Map(
    Object.entries(header).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        const copy = new Uint8Array(bytes.subarray(start + from, start + to)); // aligned
        return [name, { shape, data: new ARRAYS[dtype](copy.buffer) }];
      },
    ),
  );
}
