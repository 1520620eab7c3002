import { open, rename, rm } from 'node:fs/promises';
import { z } from 'zod';
import { explainSystemError, PatchwordError } from '../../errors.js';
import { damaged, parseObject, quote } from './damage.js';
import { readRange, sizeOf } from './range.js';
import { DTYPE_BYTES, type DType, type Tensor } from './tensor.js';

/** The format's own bound: a header of 8 bytes of length and JSON, then the tensors. */
const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;

const length = z.number().int().nonnegative();
const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(length).max(16),
  data_offsets: z.tuple([length, length]),
});
const metadataSchema = z.record(z.string(), z.string());

export interface Safetensors {
  tensors: Map<string, Tensor>;
  metadata: Record<string, string>;
}

/**
 * Reads the header of a safetensors file and checks it as the reference library does: every tensor lies inside the file,
 * has the size that its shape and type say, and together they cover the data without holes or overlaps.
 *
 * @throws PatchwordError MODEL_INCOMPLETE for a damaged file, MODEL_UNSUPPORTED for an element type that is not read.
 */
export function readSafetensors(file: string): Safetensors {
  const { header, dataStart, dataBytes } = readHeader(file);
  const metadata = metadataSchema.optional().safeParse(header.get('__metadata__'));
  if (!metadata.success) throw damaged(file, 'its __metadata__ is not a table of texts');
  header.delete('__metadata__');

  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of header) {
    const parsed = entrySchema.safeParse(entry);
    if (!parsed.success) throw damaged(file, `its entry for ${quote(name)} is malformed`);
    const { dtype, shape, data_offsets } = parsed.data;
    if (!isDType(dtype)) {
      throw new PatchwordError('MODEL_UNSUPPORTED', `${file}: tensor ${quote(name)} is stored as ${quote(dtype)}.`, {
        hint: `Save it as one of ${Object.keys(DTYPE_BYTES).join(', ')}.`,
      });
    }
    const [begin, end] = data_offsets;
    if (end > dataBytes) throw damaged(file, `${quote(name)} ends at byte ${end} of ${dataBytes}`);
    const expected = byteLengthOf(shape, dtype);
    if (end - begin !== expected) {
      throw damaged(file, `${quote(name)} has ${end - begin} bytes; ${dtype} (${shape.join(', ')}) takes ${expected}`);
    }
    tensors.set(name, { name, dtype, shape, file, offset: dataStart + begin, byteLength: expected });
  }
  checkCover(file, [...tensors.values()], dataStart, dataBytes);
  return { tensors, metadata: metadata.data ?? {} };
}

/** Values to be written under a name; `data` holds them in order, little-endian. */
export interface TensorData {
  name: string;
  dtype: DType;
  shape: readonly number[];
  data: ArrayBufferView;
}

/**
 * Writes a safetensors file: whole or not at all, tensors aligned to their element size as the reference library does.
 *
 * @throws PatchwordError DISK_FULL or READ_ONLY where the file cannot be written.
 */
export async function writeSafetensors(
  file: string,
  tensors: Iterable<TensorData>,
  metadata: Record<string, string> = {},
): Promise<void> {
  const ordered = [...tensors].sort(
    (a, b) => DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype] || (a.name < b.name ? -1 : 1),
  );
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  let end = 0;
  for (const { name, dtype, shape, data } of ordered) {
    if (data.byteLength !== byteLengthOf(shape, dtype)) {
      throw new PatchwordError(
        'INTERNAL',
        `${name}: ${data.byteLength} bytes do not make ${dtype} (${shape.join(', ')}).`,
      );
    }
    entries.push([name, { dtype, shape, data_offsets: [end, (end += data.byteLength)] }]);
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const header = Buffer.alloc(LENGTH_BYTES + Math.ceil(json.length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - LENGTH_BYTES));
  json.copy(header, LENGTH_BYTES);
  await writeWhole(file, [header, ...ordered.map(({ data }) => data)]);
}

async function writeWhole(file: string, parts: readonly ArrayBufferView[]): Promise<void> {
  const unfinished = `${file}.${process.pid}.part`;
  try {
    const handle = await open(unfinished, 'w');
    try {
      for (const part of parts) await handle.writeFile(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw explainSystemError(error, file);
  }
}

function readHeader(file: string): { header: Map<string, unknown>; dataStart: number; dataBytes: number } {
  const size = sizeOf(file);
  if (size < LENGTH_BYTES) throw damaged(file, `its ${size} bytes are too few for a header`);
  const headerBytes = Number(new DataView(readRange(file, 0, LENGTH_BYTES).buffer).getBigUint64(0, true));
  const room = Math.min(MAX_HEADER_BYTES, size - LENGTH_BYTES);
  if (headerBytes > room) {
    throw damaged(file, `it says that its header has ${headerBytes} bytes, where at most ${room} fit`);
  }
  const dataStart = LENGTH_BYTES + headerBytes;
  const header = parseObject(file, readRange(file, LENGTH_BYTES, headerBytes));
  return { header, dataStart, dataBytes: size - dataStart };
}

function checkCover(file: string, tensors: Tensor[], dataStart: number, dataBytes: number): void {
  let end = dataStart;
  for (const { name, offset, byteLength } of tensors.sort(
    (a, b) => a.offset - b.offset || a.byteLength - b.byteLength,
  )) {
    if (offset !== end) throw damaged(file, `${quote(name)} begins at byte ${offset}, where ${end} was expected`);
    end += byteLength;
  }
  const rest = dataStart + dataBytes - end;
  if (rest > 0) throw damaged(file, `${rest} bytes after its last tensor belong to none`);
}

const isDType = (name: string): name is DType => Object.hasOwn(DTYPE_BYTES, name);

const byteLengthOf = (shape: readonly number[], dtype: DType) =>
  shape.reduce((product, length) => product * length, DTYPE_BYTES[dtype]);
