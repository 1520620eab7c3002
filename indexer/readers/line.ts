import { MAX_ENTRY_BYTES, readChunks } from './chunk.js';
import { decodeUtf8 } from './reader.js';

/** One line of a file, by its number from 1; or why it cannot be used. */
export type Line = { line: number } & ({ text: string } | { reason: string });

const NEWLINE = 0x0a;

/** The lines of a file that are not blank, without their ends. Streams; no line takes more memory than its limit. */
export async function* readLines(file: string): AsyncGenerator<Line> {
  let line = 1;
  let pieces: Buffer[] = [];
  let bytes = 0;
  const append = (piece: Buffer) => {
    bytes += piece.length;
    if (bytes <= MAX_ENTRY_BYTES) pieces.push(piece);
    else pieces = [];
  };
  const finish = (): Line | null => {
    const read = decodeLine(pieces, bytes);
    pieces = [];
    bytes = 0;
    return read === null ? null : { line, ...read };
  };
  for await (const chunk of readChunks(file)) {
    let start = 0;
    for (let end; (end = chunk.indexOf(NEWLINE, start)) !== -1; start = end + 1, line += 1) {
      append(chunk.subarray(start, end));
      const read = finish();
      if (read) yield read;
    }
    if (start < chunk.length) append(chunk.subarray(start));
  }
  const last = finish();
  if (last) yield last;
}

function decodeLine(pieces: Buffer[], bytes: number): { text: string } | { reason: string } | null {
  if (bytes > MAX_ENTRY_BYTES) return { reason: `it has ${bytes} bytes; lines of up to ${MAX_ENTRY_BYTES} are read` };
  const text = decodeUtf8(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces));
  if (text === null) return { reason: 'it is not UTF-8 text' };
  return text.trim() === '' ? null : { text: text.endsWith('\r') ? text.slice(0, -1) : text };
}
