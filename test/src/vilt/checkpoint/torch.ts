/** What `torch.save` writes, put together by hand: pickles, and the zip archive around them. */
import { crc32 } from 'node:zlib';

/** Bytes of a pickle, spliced in as they are. */
export class Raw {
  readonly bytes: Buffer;

  constructor(...parts: (Buffer | string | number)[]) {
    const toBuffer = (part: Buffer | string | number) =>
      typeof part === 'string' ? Buffer.from(part, 'latin1') : typeof part === 'number' ? Buffer.of(part) : part;
    this.bytes = Buffer.concat(parts.map(toBuffer));
  }
}

/** A pickle of protocol 2. Arrays become tuples, Maps dicts. */
export function pickle(value: unknown): Buffer {
  return new Raw(0x80, 2, encode(value), '.').bytes;
}

export function encode(value: unknown): Buffer {
  if (value instanceof Raw) return value.bytes;
  if (value === null) return Buffer.from('N');
  if (typeof value === 'boolean') return Buffer.of(value ? 0x88 : 0x89);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(10, 0);
    bytes.writeUInt8(0x8a, 0); // LONG1
    bytes.writeUInt8(8, 1);
    bytes.writeBigInt64LE(BigInt(value), 2);
    return bytes;
  }
  if (typeof value === 'string') {
    const text = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    return new Raw('X', length, text).bytes;
  }
  if (Array.isArray(value)) return new Raw('(', ...value.map(encode), 't').bytes;
  if (value instanceof Map) return new Raw('}(', ...[...value].flat().map(encode), 'u').bytes;
  throw new Error(`No pickle for ${typeof value}.`);
}

export const global = (module: string, name: string) => new Raw(`c${module}\n${name}\n`);

/** callable(*args) */
export const reduce = (callable: Raw, args: unknown[]) => new Raw(encode(callable), encode(args), 'R');

export const storage = (key: string, type = global('torch', 'FloatStorage'), length = 0) =>
  new Raw(encode(['storage', type, key, 'cpu', length]), 'Q');

export interface TensorOptions {
  key: string;
  shape: number[];
  strides?: number[];
  offset?: number;
  type?: Raw;
}

/** torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks) */
export function tensor({ key, shape, strides = contiguous(shape), offset = 0, type }: TensorOptions): Raw {
  const hooks = reduce(global('collections', 'OrderedDict'), []);
  return reduce(global('torch._utils', '_rebuild_tensor_v2'), [
    storage(key, type),
    offset,
    shape,
    strides,
    false,
    hooks,
  ]);
}

function contiguous(shape: number[]): number[] {
  return shape.map((_, i) => shape.slice(i + 1).reduce((product, length) => product * length, 1));
}

export interface ZipEntry {
  name: string;
  data: Uint8Array;
  /** 0 stored, 8 deflated. */
  method?: number;
  /** What the directory says of the size, where it lies. */
  size?: number;
  /** Without compression and encryption, where that is another. */
  plain?: number;
  /** Bytes of extra field in the local header alone, as PyTorch pads to align its data. */
  padding?: number;
}

/** A zip archive, its directory in zip64 form where asked. */
export function zip(entries: readonly ZipEntry[], { zip64 = false, flags = 0 } = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data, method = 0, size = data.length, plain = size, padding = 0 } of entries) {
    const fields = (signature: number, extra: number) => {
      const header = Buffer.alloc(signature === 0x04034b50 ? 30 : 46);
      const at = header.writeUInt32LE(signature) === 4 && signature === 0x04034b50 ? 4 : 6;
      header.writeUInt16LE(45, at);
      header.writeUInt16LE(flags, at + 2);
      header.writeUInt16LE(method, at + 4);
      header.writeUInt32LE(crc32(data), at + 10);
      header.writeUInt32LE(zip64 ? 0xffffffff : size, at + 14);
      header.writeUInt32LE(zip64 ? 0xffffffff : plain, at + 18);
      header.writeUInt16LE(Buffer.byteLength(name), at + 22);
      header.writeUInt16LE(extra, at + 24);
      return header;
    };
    const local = Buffer.concat([fields(0x04034b50, padding), Buffer.from(name), Buffer.alloc(padding), data]);
    const central = fields(0x02014b50, zip64 ? 28 : 0);
    central.writeUInt32LE(zip64 ? 0xffffffff : offset, 42);
    const extra = Buffer.alloc(zip64 ? 28 : 0);
    if (zip64) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      [plain, size, offset].forEach((value, i) => extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i));
    }
    directory.push(central, Buffer.from(name), extra);
    parts.push(local);
    offset += local.length;
  }
  const records = Buffer.concat(directory);
  return Buffer.concat([...parts, records, ...endOfDirectory(entries.length, records.length, offset, zip64)]);
}

function endOfDirectory(count: number, size: number, offset: number, zip64: boolean): Buffer[] {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50);
  end.writeUInt16LE(zip64 ? 0xffff : count, 8);
  end.writeUInt16LE(zip64 ? 0xffff : count, 10);
  end.writeUInt32LE(zip64 ? 0xffffffff : size, 12);
  end.writeUInt32LE(zip64 ? 0xffffffff : offset, 16);
  if (!zip64) return [end];
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50);
  record.writeBigUInt64LE(44n, 4);
  [count, count, size, offset].forEach((value, i) => record.writeBigUInt64LE(BigInt(value), 24 + 8 * i));
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50);
  locator.writeBigUInt64LE(BigInt(offset + size), 8);
  locator.writeUInt32LE(1, 16);
  return [record, locator, end];
}

export const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

/** A whole torch.save file: its object, and its storages in order, `data/0`, `data/1`, … */
export function torchFile(object: unknown, storages: Uint8Array[], more: ZipEntry[] = []): Buffer {
  return zip([
    { name: 'model/data.pkl', data: pickle(object) },
    { name: 'model/byteorder', data: Buffer.from('little') },
    ...storages.map((data, i) => ({ name: `model/data/${i}`, data, padding: 40 + 8 * i })),
    ...more,
  ]);
}
