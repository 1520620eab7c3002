import path from 'node:path';
import { promisify } from 'node:util';
import { CsvError, parse } from 'csv-parse';
import { PatchwordError } from '../../src/errors.js';
import { MAX_ENTRY_BYTES, readChunks } from './chunk.js';
import { decodeUtf8 } from './reader.js';
import type { TableRecord } from './table.js';

/**
 * The records of a file of delimited text by the names in its first line. Streams. A record may have quotes around a
 * cell, doubled within it; quotes elsewhere are quotes.
 *
 * @throws PatchwordError FILE_NOT_FOUND; SOURCE_INVALID where the first line names a column twice, or a quote is not closed
 */
export async function* readDelimited(options: { path: string; delimiter: ',' | '\t' }): AsyncGenerator<TableRecord> {
  const { path: file, delimiter } = options;
  const base = path.basename(file);
  let header: string[] | null = null;
  for await (const { line, cells } of readRecords(file, delimiter)) {
    const at = `${base}:${line}`;
    const texts = cells.map((cell) => decodeUtf8(Buffer.from(cell, 'latin1'))?.trim() ?? null);
    if (texts.every((text) => text === '')) continue;
    if (header === null) header = checkHeader(texts, `${file}:${line}`);
    else if (texts.includes(null)) yield { at, reason: 'it is not UTF-8 text' };
    else if (texts.length !== header.length) {
      const [found, expected] = [texts.length, header.length];
      yield {
        at,
        reason: `it has ${found} columns, the first line has ${expected}; quote cells that hold the delimiter`,
      };
    } else yield { at, values: Object.fromEntries(header.map((name, column) => [name, texts[column]])) };
  }
}

function checkHeader(names: (string | null)[], at: string): string[] {
  const refuse = (what: string) => new PatchwordError('SOURCE_INVALID', `${at}: ${what}.`);
  if (names.includes(null)) throw refuse('it is not UTF-8 text');
  const seen = new Set<string | null>();
  for (const name of names) {
    if (name?.includes('\r'))
      throw refuse('its lines end in CR alone; save it with those of Linux (LF) or Windows (CR LF)');
    if (name !== '' && seen.has(name)) throw refuse(`two columns are called "${name}"`);
    seen.add(name);
  }
  return names as string[];
}

/** One record: the number of its first line, and its cells with one character a byte, so that what is not UTF-8 can be told. */
interface Parsed {
  line: number;
  cells: string[];
}

async function* readRecords(file: string, delimiter: string): AsyncGenerator<Parsed> {
  let next = 1;
  // The parser counts the two characters that end a line within quotes as two lines.
  let excess = 0;
  const records: Parsed[] = [];
  const parser = parse({
    delimiter,
    encoding: 'latin1',
    record_delimiter: [Buffer.from('\r\n'), Buffer.from('\n')],
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: MAX_ENTRY_BYTES,
    on_record(cells: string[], { lines }) {
      excess += count(cells, '\r\n');
      next = lines - excess + 1;
      records.push({ line: next - 1 - count(cells, '\n'), cells });
      return null;
    },
  });
  // Records are taken as they are found, not from the stream, which takes longer to hand over one than to parse it.
  const pass = promisify((chunk: Buffer | null, done: (error?: Error | null) => void) => {
    if (chunk === null) parser.end(done);
    else parser.write(chunk, done);
  });
  parser.on('error', () => undefined);
  try {
    for await (const chunk of readChunks(file)) {
      await pass(chunk);
      yield* records.splice(0);
    }
    await pass(null);
  } catch (error) {
    throw error instanceof CsvError ? explain(error, `${file}:${next}`) : error;
  }
  yield* records;
}

function explain(error: CsvError, at: string): PatchwordError {
  const what =
    error.code === 'CSV_QUOTE_NOT_CLOSED'
      ? 'a quote is opened and never closed'
      : `the record has more than ${MAX_ENTRY_BYTES} bytes; is a quote not closed?`;
  return new PatchwordError('SOURCE_INVALID', `${at}: ${what}.`, {
    hint: 'Double the quotes that belong to a caption, and quote the whole cell.',
    cause: error,
  });
}

function count(cells: readonly string[], text: string): number {
  return cells.reduce((sum, cell) => sum + (cell.includes(text) ? cell.split(text).length - 1 : 0), 0);
}
