import { createReadStream } from 'node:fs';
import { explainReading, PatchwordError } from '../../src/errors.js';

const CHUNK_BYTES = 2 ** 20;

/** The most bytes of one line, record or list entry: more than 1000 captions of 10,000 characters take. */
export const MAX_ENTRY_BYTES = 16 * 2 ** 20;

const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * The bytes of a text file, piece by piece, without its byte-order mark.
 *
 * @throws PatchwordError FILE_NOT_FOUND; SOURCE_INVALID where it is UTF-16
 */
export async function* readChunks(file: string): AsyncGenerator<Buffer> {
  const stream = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  let first = true;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      yield first ? withoutMark(chunk, file) : chunk;
      first = false;
    }
  } catch (error) {
    throw explainReading(error, file);
  }
}

/** @throws PatchwordError FILE_NOT_FOUND; SOURCE_INVALID where a file is UTF-16 */
export async function refuseUtf16(file: string): Promise<void> {
  const chunks = readChunks(file);
  await chunks.next();
  await chunks.return(undefined);
}

function withoutMark(chunk: Buffer, file: string): Buffer {
  const [one, two] = chunk;
  if ((one === 0xff && two === 0xfe) || (one === 0xfe && two === 0xff)) {
    throw new PatchwordError('SOURCE_INVALID', `${file}:1: it is UTF-16; expected UTF-8.`, {
      hint: 'Save it as UTF-8.',
    });
  }
  return chunk.subarray(0, 3).equals(UTF8_MARK) ? chunk.subarray(3) : chunk;
}
