import type { FileHandle } from 'node:fs/promises';
import { Message } from 'apache-arrow/fb/message';
import { MessageHeader } from 'apache-arrow/fb/message-header';
import { RecordBatch } from 'apache-arrow/fb/record-batch';
import { Schema } from 'apache-arrow/fb/schema';
import { ByteBuffer } from 'flatbuffers';
import { fits, isSchemaSound } from './soundness.js';

/** Some rows of an Arrow file, and where their columns are. */
export interface ArrowBatch {
  rows: number;
  /** One for each field, and for each that is nested in it. */
  nodes: { length: number; nullCount: number }[];
  /** One or more for each field, by bytes of the file. */
  buffers: { offset: number; bytes: number }[];
  compressed: boolean;
}

/** A message; dictionaries have neither. Its body is passed over. */
export interface ArrowMessage {
  /** The message as it stands in the file, sound. */
  schema?: Buffer;
  batch?: ArrowBatch;
  /** Where the next one begins. */
  next: number;
}

/** The most that a message says of where things are: not the things. */
export const MAX_METADATA_BYTES = 64 * 2 ** 20;

/** Stands before the length of a message since Arrow 0.15. */
const CONTINUATION = -1;

/** Of a node (length, nulls) and of a buffer (offset, length). */
const STRUCT_BYTES = 16;

/** The message at a byte of a file, or why there is none; null where the messages end. */
export async function readMessage(
  handle: FileHandle,
  { position, end }: { position: number; end: number },
): Promise<ArrowMessage | { reason: string } | null> {
  const cut = { reason: `it is cut short at byte ${position}` };
  const prefix = await readUpTo(handle, position, 8);
  if (prefix.length < 8) return cut;
  const isOld = prefix.readInt32LE(0) !== CONTINUATION;
  const length = prefix.readInt32LE(isOld ? 0 : 4);
  if (length === 0) return null;
  if (length < 0 || length > MAX_METADATA_BYTES) return { reason: `there is no message at byte ${position}` };
  const begin = position + (isOld ? 4 : 8);
  const metadata = await readUpTo(handle, begin, length);
  if (metadata.length < length) return cut;
  const message = parse(metadata, begin + length);
  if (message === null) return { reason: `the message at byte ${position} is not sound` };
  return message.next > end ? cut : message;
}

/** Reads what is there, which is less at the end of a file. */
export async function readUpTo(handle: FileHandle, position: number, bytes: number): Promise<Buffer> {
  // Not from a pool: columns are views of such buffers, and have to be aligned.
  const buffer = Buffer.from(new ArrayBuffer(bytes));
  let done = 0;
  while (done < bytes) {
    const { bytesRead } = await handle.read(buffer, done, bytes - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}

function parse(metadata: Buffer, body: number): ArrowMessage | null {
  const message = Message.getRootAsMessage(new ByteBuffer(metadata));
  const bodyBytes = Number(message.bodyLength());
  const next = body + bodyBytes;
  if (!Number.isSafeInteger(next) || bodyBytes < 0 || !fits(message.customMetadataLength(), metadata.length))
    return null;
  switch (message.headerType()) {
    case MessageHeader.Schema: {
      const schema = message.header(new Schema()) as Schema | null;
      return schema && isSchemaSound(schema, metadata.length) ? { schema: metadata, next } : null;
    }
    case MessageHeader.RecordBatch: {
      const flat = message.header(new RecordBatch()) as RecordBatch | null;
      const batch = flat && readBatch(flat, { metadataBytes: metadata.length, body, bodyBytes });
      return batch && { batch, next };
    }
    default:
      return { next };
  }
}

function readBatch(
  flat: RecordBatch,
  { metadataBytes, body, bodyBytes }: { metadataBytes: number; body: number; bodyBytes: number },
): ArrowBatch | null {
  const counts = [flat.nodesLength(), flat.buffersLength()];
  if (!counts.every((count) => fits(count, metadataBytes, STRUCT_BYTES))) return null;
  const nodes = Array.from({ length: counts[0] }, (_, i) => {
    const node = flat.nodes(i)!;
    return { length: Number(node.length()), nullCount: Number(node.nullCount()) };
  });
  const buffers = Array.from({ length: counts[1] }, (_, i) => {
    const buffer = flat.buffers(i)!;
    return { offset: body + Number(buffer.offset()), bytes: Number(buffer.length()) };
  });
  const rows = Number(flat.length());
  const numbers = [rows, ...nodes.flatMap((node) => Object.values(node)), ...buffers.map(({ bytes }) => bytes)];
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) return null;
  if (!buffers.every(({ offset, bytes }) => offset >= body && offset + bytes <= body + bodyBytes)) return null;
  return { rows, nodes, buffers, compressed: flat.compression() !== null };
}
