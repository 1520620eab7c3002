import { type FileHandle, open } from 'node:fs/promises';
import { type FileMetaData, parquetMetadata, type ParquetParsers } from 'hyparquet';

/** What the end of a Parquet file says of its columns and row groups. */
export type Footer = FileMetaData;

const MAGIC = 'PAR1';

/** What is parsed takes some fifty times as much memory. */
const MAX_FOOTER_BYTES = 32 * 2 ** 20;

/** Values come as JSON has them, but for bytes, and for integers of 64 bits, which are bigints. */
export const PARSERS: ParquetParsers = {
  timestampFromMilliseconds: (milliseconds) => isoTime(Number(milliseconds)),
  timestampFromMicroseconds: (microseconds) => isoTime(Number(microseconds) / 1e3),
  timestampFromNanoseconds: (nanoseconds) => isoTime(Number(nanoseconds) / 1e6),
  dateFromDays: (days) => isoTime(days * 86_400_000)?.slice(0, 10),
  stringFromBytes: decodeText,
  jsonFromBytes: decodeText,
  geometryFromBytes: () => null,
  geographyFromBytes: () => null,
  uuidFromBytes: (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex'),
};

/** Whether a file begins as Parquet does; it may be cut short. */
export async function isParquet(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(MAGIC.length) });
    return buffer.toString('latin1', 0, bytesRead) === MAGIC;
  } finally {
    await handle.close();
  }
}

/** @throws Error that says why it is no Parquet file, or is cut short */
export async function readFooter(handle: FileHandle): Promise<Footer> {
  const { size } = await handle.stat();
  const tail = size < 8 ? null : await readExactly(handle, size - 8, 8);
  if (tail === null || Buffer.from(tail.buffer, 4).toString('latin1') !== MAGIC) {
    throw new Error('it does not end as a Parquet file does; it may be cut short');
  }
  const bytes = tail.getUint32(0, true) + 8;
  if (bytes > size) throw new Error('its footer is longer than the file');
  if (bytes > MAX_FOOTER_BYTES) throw new Error(`its footer has ${bytes} bytes, over ${MAX_FOOTER_BYTES}`);
  const footer = await readExactly(handle, size - bytes, bytes);
  return parquetMetadata(footer.buffer as ArrayBuffer, { parsers: PARSERS, geoparquet: false });
}

/** @throws Error where the file does not have these bytes */
export async function readExactly(handle: FileHandle, position: number, bytes: number): Promise<DataView> {
  if (!Number.isSafeInteger(position) || position < 0 || bytes < 0) throw new Error(`it points to byte ${position}`);
  const buffer = new Uint8Array(bytes);
  for (let done = 0; done < bytes;) {
    const { bytesRead } = await handle.read(buffer, done, bytes - done, position + done);
    if (bytesRead === 0) throw new Error(`it ends ${bytes - done} bytes before what it points to`);
    done += bytesRead;
  }
  return new DataView(buffer.buffer);
}

function decodeText(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes);
}

function isoTime(milliseconds: number): string | null {
  const time = new Date(milliseconds);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}
