import type { FileHandle } from 'node:fs/promises';
import { Message, type Schema } from 'apache-arrow';
import { Footer as FlatFooter } from 'apache-arrow/fb/footer';
import { Footer } from 'apache-arrow/ipc/metadata/file';
import { ByteBuffer } from 'flatbuffers';
import { type ArrowBatch, MAX_METADATA_BYTES, readMessage, readUpTo } from './message.js';
import { fits, isSchemaSound } from './soundness.js';

/** What an Arrow file has, and in which order. */
export interface ArrowLayout {
  schema: Schema;
  /** In their order. Returns what is damaged; the batches before that are whole. */
  batches(): AsyncGenerator<ArrowBatch, string | null, void>;
}

/** How an Arrow file begins and ends. A stream of Arrow messages begins with the first of them. */
const MAGIC = Buffer.from('ARROW1');

/** The magic number, and what aligns the first message. */
const FILE_HEAD_BYTES = 8;

/** The length of the footer, and the magic number. */
const FILE_TAIL_BYTES = 4 + MAGIC.length;

/**
 * The layout of an Arrow file by its footer; where that is missing, or in a stream, by its messages one after another.
 *
 * @throws Error that says why it is no Arrow file
 */
export async function readLayout(handle: FileHandle): Promise<ArrowLayout> {
  const { size } = await handle.stat();
  const isFile = (await readUpTo(handle, 0, MAGIC.length)).equals(MAGIC);
  const footer = isFile ? await readFooter(handle, size) : null;
  if (footer !== null) return { schema: footer.schema, batches: () => listed(handle, footer) };
  const first = await readMessage(handle, { position: isFile ? FILE_HEAD_BYTES : 0, end: size });
  if (first === null || 'reason' in first) throw new Error(first?.reason ?? 'it is empty');
  if (!first.schema) throw new Error('it does not begin with a schema');
  return {
    schema: Message.decode(first.schema).header() as Schema,
    batches: () => walk(handle, { position: first.next, size, isFile }),
  };
}

async function* listed(
  handle: FileHandle,
  { offsets, end }: { offsets: number[]; end: number },
): AsyncGenerator<ArrowBatch, string | null, void> {
  for (const position of offsets) {
    if (!Number.isSafeInteger(position) || position < FILE_HEAD_BYTES || position >= end) {
      return `its footer has rows at byte ${position}`;
    }
    const message = await readMessage(handle, { position, end });
    if (message === null || 'reason' in message) return message?.reason ?? `there is no message at byte ${position}`;
    if (!message.batch) return `the message at byte ${position} has no rows`;
    yield message.batch;
  }
  return null;
}

async function* walk(
  handle: FileHandle,
  { position, size, isFile }: { position: number; size: number; isFile: boolean },
): AsyncGenerator<ArrowBatch, string | null, void> {
  while (position < size) {
    const message = await readMessage(handle, { position, end: size });
    if (message === null) return null;
    if ('reason' in message) return message.reason;
    if (message.batch) yield message.batch;
    position = message.next;
  }
  return isFile ? 'it ends before its footer' : null;
}

/** The schema, and where the batches are; null where the end of the file is missing or not sound. */
async function readFooter(
  handle: FileHandle,
  size: number,
): Promise<{ schema: Schema; offsets: number[]; end: number } | null> {
  const tail = await readUpTo(handle, Math.max(0, size - FILE_TAIL_BYTES), FILE_TAIL_BYTES);
  if (tail.length < FILE_TAIL_BYTES || !tail.subarray(4).equals(MAGIC)) return null;
  const length = tail.readInt32LE(0);
  const end = size - FILE_TAIL_BYTES - length;
  if (length <= 0 || length > MAX_METADATA_BYTES || end < FILE_HEAD_BYTES) return null;
  const bytes = await readUpTo(handle, end, length);
  const flat = FlatFooter.getRootAsFooter(new ByteBuffer(bytes));
  const schema = flat.schema();
  const counts = [flat.recordBatchesLength(), flat.dictionariesLength(), flat.customMetadataLength()];
  if (!schema || !isSchemaSound(schema, bytes.length) || !counts.every((count) => fits(count, bytes.length)))
    return null;
  const offsets = Array.from({ length: counts[0] }, (_, i) => Number(flat.recordBatches(i)!.offset()));
  return { schema: Footer.decode(bytes).schema, offsets, end };
}
