import type { FileHandle } from 'node:fs/promises';
import { Field } from 'apache-arrow/fb/field';
import { Message } from 'apache-arrow/fb/message';
import { MessageHeader } from 'apache-arrow/fb/message-header';
import { RecordBatch } from 'apache-arrow/fb/record-batch';
import { Schema } from 'apache-arrow/fb/schema';
import { ByteBuffer } from 'flatbuffers';

/** Rows of an Arrow file, and where their columns are. */
export interface ArrowBatch {
  rows: number;
  /** One for each field, and for each that is nested in it. */
  nodes: { length: number; nullCount: number }[];
  /** One or more for each field, by bytes of the file. */
  buffers: { offset: number; bytes: number }[];
  compressed: boolean;
}

/** `schema` is a message as it stands in the file, found to be sound. Dictionaries are passed over. */
export type ArrowMessage = { schema: Uint8Array } | { batch: ArrowBatch };

/** How an Arrow file begins; a stream of Arrow messages begins with the first of them. */
const MAGIC = Buffer.from('ARROW1');

/** The most that a message says of where things are, not the things. */
const MAX_METADATA_BYTES = 64 * 2 ** 20;

const MAX_FIELD_DEPTH = 32;

/** Before the length of a message, since Arrow 0.15. */
const CONTINUATION = -1;

/** Whether a file begins as an Arrow file does, or as a stream of Arrow messages. */
export async function isArrow(handle: FileHandle): Promise<boolean> {
  const head = await readUpTo(handle, 0, 8);
  if (head.subarray(0, MAGIC.length).equals(MAGIC)) return true;
  return head.length === 8 && head.readInt32LE(0) === CONTINUATION && head.readInt32LE(4) > 0;
}

/**
 * The messages of an Arrow file in their order. Bodies are passed over. Returns what is damaged; the messages before that are
 * whole.
 */
export async function* readMessages(handle: FileHandle): AsyncGenerator<ArrowMessage, string | null, void> {
  const { size } = await handle.stat();
  const isFile = (await readUpTo(handle, 0, MAGIC.length)).equals(MAGIC);
  const end = isFile ? ((await findFooter(handle, size)) ?? size) : size;
  for (let position = isFile ? 8 : 0; position < end;) {
    const prefix = await readUpTo(handle, position, 8);
    if (prefix.length < 8) return `it ends at byte ${position} in the middle of a message`;
    const isOld = prefix.readInt32LE(0) !== CONTINUATION;
    const length = prefix.readInt32LE(isOld ? 0 : 4);
    if (length === 0) return null;
    const begin = position + (isOld ? 4 : 8);
    if (length < 0 || length > MAX_METADATA_BYTES) return `at byte ${position} there is no message`;
    const metadata = await readUpTo(handle, begin, length);
    if (metadata.length < length) return `it ends at byte ${position} in the middle of a message`;
    const message = parse(metadata, begin + length);
    if (message === null) return `the message at byte ${position} is not sound`;
    position = begin + length + message.bodyBytes;
    if (position > end) return `the rows at byte ${begin} are cut short`;
    if (message.content) yield message.content;
  }
  return isFile && end === size ? 'it ends before its footer' : null;
}

/** Reads what is there, which is less at the end of a file. */
export async function readUpTo(handle: FileHandle, position: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.from(new ArrayBuffer(bytes));
  let done = 0;
  while (done < bytes) {
    const { bytesRead } = await handle.read(buffer, done, bytes - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}

/** Where the footer begins, which says again what the messages say; null where the end of the file is missing. */
async function findFooter(handle: FileHandle, size: number): Promise<number | null> {
  const tail = await readUpTo(handle, Math.max(0, size - 10), 10);
  const footer = tail.length === 10 && tail.subarray(4).equals(MAGIC) ? size - 10 - tail.readInt32LE(0) : null;
  return footer !== null && footer >= 8 && footer < size ? footer : null;
}

/** Null where it is not sound: what says of itself that it has more entries than its bytes can hold would take all memory. */
function parse(metadata: Buffer, body: number): { bodyBytes: number; content: ArrowMessage | null } | null {
  const message = Message.getRootAsMessage(new ByteBuffer(metadata));
  const bodyBytes = Number(message.bodyLength());
  if (!Number.isSafeInteger(bodyBytes) || bodyBytes < 0 || !fits(metadata, message.customMetadataLength(), 4))
    return null;
  switch (message.headerType()) {
    case MessageHeader.Schema: {
      const schema = message.header(new Schema()) as Schema | null;
      return schema && isSound(metadata, schema) ? { bodyBytes, content: { schema: metadata } } : null;
    }
    case MessageHeader.RecordBatch: {
      const batch = readBatch(metadata, {
        batch: message.header(new RecordBatch()) as RecordBatch | null,
        body,
        bodyBytes,
      });
      return batch && { bodyBytes, content: { batch } };
    }
    default:
      return { bodyBytes, content: null };
  }
}

function readBatch(
  metadata: Buffer,
  { batch, body, bodyBytes }: { batch: RecordBatch | null; body: number; bodyBytes: number },
): ArrowBatch | null {
  if (!batch || !fits(metadata, batch.nodesLength(), 16) || !fits(metadata, batch.buffersLength(), 16)) return null;
  const nodes = Array.from({ length: batch.nodesLength() }, (_, i) => {
    const node = batch.nodes(i)!;
    return { length: Number(node.length()), nullCount: Number(node.nullCount()) };
  });
  const buffers = Array.from({ length: batch.buffersLength() }, (_, i) => {
    const buffer = batch.buffers(i)!;
    return { offset: Number(buffer.offset()), bytes: Number(buffer.length()) };
  });
  const rows = Number(batch.length());
  const counts = [
    rows,
    ...nodes.flatMap((node) => Object.values(node)),
    ...buffers.flatMap((one) => Object.values(one)),
  ];
  const isSound = counts.every((count) => Number.isSafeInteger(count) && count >= 0);
  if (!isSound || buffers.some(({ offset, bytes }) => offset + bytes > bodyBytes)) return null;
  return {
    rows,
    nodes,
    buffers: buffers.map(({ offset, bytes }) => ({ offset: body + offset, bytes })),
    compressed: batch.compression() !== null,
  };
}

function isSound(metadata: Buffer, schema: Schema): boolean {
  if (!fits(metadata, schema.customMetadataLength(), 4) || !fits(metadata, schema.fieldsLength(), 4)) return false;
  // Fields may point to one another: the whole of what they say is bounded, too.
  let left = metadata.length;
  const isFieldSound = (field: Field | null, depth: number): boolean => {
    if (!field || depth > MAX_FIELD_DEPTH || (left -= 4) < 0) return false;
    if (!fits(metadata, field.customMetadataLength(), 4) || !fits(metadata, field.childrenLength(), 4)) return false;
    return sequence(field.childrenLength()).every((i) => isFieldSound(field.children(i, new Field()), depth + 1));
  };
  return sequence(schema.fieldsLength()).every((i) => isFieldSound(schema.fields(i, new Field()), 0));
}

function fits(metadata: Buffer, count: number, bytes: number): boolean {
  return count >= 0 && count * bytes <= metadata.length;
}

function sequence(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
