import { PatchwordError } from '../../src/errors.js';
import { MAX_ENTRY_BYTES, readChunks } from './chunk.js';
import { decodeUtf8 } from './reader.js';

/**
 * The text of one value, the line on which it begins, and whether any of its numbers has sixteen digits; or why it cannot be
 * used.
 */
export type JsonSlice = { line: number } & ({ text: string; hasLongNumber: boolean } | { reason: string });

/** Nothing that says something of an image is nested deeper. */
const MAX_DEPTH = 100;

/** Digits of the shortest integer that no number may hold. */
export const LONG_NUMBER = 16;

const END = -1;

/**
 * Goes through the bytes of a JSON file and tells values from what is around them, keeping no more than one of them.
 * Whether a value is well-formed inside is for `JSON.parse` to say.
 */
export class JsonCursor {
  readonly #file: string;
  readonly #layout: string;
  readonly #chunks: AsyncGenerator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #line = 1;

  /** @param options.layout what such a file looks like, for the hint of an error */
  constructor({ file, layout }: { file: string; layout: string }) {
    this.#file = file;
    this.#layout = layout;
    this.#chunks = readChunks(file);
  }

  async close(): Promise<void> {
    await this.#chunks.return(undefined);
  }

  invalid(what: string): PatchwordError {
    const hint = `Expected ${this.#layout}.`;
    return new PatchwordError('SOURCE_INVALID', `${this.#file}:${this.#line}: ${what}.`, { hint });
  }

  async take(character: string): Promise<void> {
    if (!(await this.takeIf(character))) await this.#refuse(`"${character}"`);
  }

  async takeIf(character: string): Promise<boolean> {
    if ((await this.#peek()) !== character.charCodeAt(0)) return false;
    this.#at += 1;
    return true;
  }

  async takeEnd(): Promise<void> {
    if ((await this.#peek()) !== END) await this.#refuse('its end');
  }

  async skipValue(): Promise<void> {
    await this.#pass(() => undefined);
  }

  async takeValue(): Promise<JsonSlice> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    const { line, deepest, hasLongNumber } = await this.#pass((piece) => {
      bytes += piece.length;
      if (bytes <= MAX_ENTRY_BYTES) pieces.push(piece);
      else pieces.length = 0;
    });
    if (bytes > MAX_ENTRY_BYTES) return { line, reason: `it has ${bytes} bytes; up to ${MAX_ENTRY_BYTES} are read` };
    if (deepest > MAX_DEPTH) return { line, reason: `it is nested ${deepest} deep; up to ${MAX_DEPTH} are read` };
    const text = decodeUtf8(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces));
    return text === null ? { line, reason: 'it is not UTF-8 text' } : { line, text, hasLongNumber };
  }

  /** Passes over one value, and shows its bytes to `see`. */
  async #pass(see: (piece: Buffer) => void): Promise<Pick<ValueScan, 'deepest' | 'hasLongNumber'> & { line: number }> {
    const first = await this.#peek();
    if (first === END || ',:]}'.includes(String.fromCharCode(first))) await this.#refuse('a value');
    const line = this.#line;
    const scan = new ValueScan();
    for (;;) {
      const end = scan.end(this.#chunk, this.#at);
      see(this.#chunk.subarray(this.#at, end));
      this.#at = end;
      if (scan.isComplete || !(await this.#refill())) break;
    }
    if (scan.isOpen) throw this.invalid(`it is not JSON: it ends inside what begins on line ${line}`);
    this.#line += scan.newlines;
    return { line, deepest: scan.deepest, hasLongNumber: scan.hasLongNumber };
  }

  /** The next byte that is not white space; END after the last. */
  async #peek(): Promise<number> {
    for (;;) {
      for (; this.#at < this.#chunk.length; this.#at += 1) {
        const byte = this.#chunk[this.#at];
        if (byte === 0x0a) this.#line += 1;
        else if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) return byte;
      }
      if (!(await this.#refill())) return END;
    }
  }

  async #refill(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done) return false;
    this.#chunk = next.value;
    this.#at = 0;
    return true;
  }

  async #refuse(expected: string): Promise<never> {
    const byte = await this.#peek();
    const found = byte === END ? 'its end' : `"${String.fromCharCode(byte)}"`;
    throw this.invalid(`it is not JSON: expected ${expected}, found ${found}`);
  }
}

/** Finds the end of one value by its brackets and quotes. */
class ValueScan {
  newlines = 0;
  deepest = 0;
  hasLongNumber = false;
  isComplete = false;
  #depth = 0;
  /** Digits in a row, outside of texts. */
  #digits = 0;
  #inText = false;
  #isEscaped = false;

  /** It lacks a bracket or a quote. */
  get isOpen(): boolean {
    return this.#depth > 0 || this.#inText;
  }

  /** Where in the chunk the value ends; the length of the chunk where it may go on in the next. */
  end(chunk: Buffer, from: number): number {
    let depth = this.#depth;
    let inText = this.#inText;
    let isEscaped = this.#isEscaped;
    let digits = this.#digits;
    let at = from;
    for (; at < chunk.length && !this.isComplete; at += 1) {
      const byte = chunk[at];
      if (inText) {
        if (isEscaped) isEscaped = false;
        else if (byte === 0x5c) isEscaped = true;
        else if (byte === 0x22) {
          inText = false;
          this.isComplete = depth === 0;
        }
      } else if (byte >= 0x30 && byte <= 0x39) {
        digits += 1;
        if (digits === LONG_NUMBER) this.hasLongNumber = true;
      } else {
        digits = 0;
        if (byte === 0x22) {
          inText = true;
        } else if (byte === 0x7b || byte === 0x5b) {
          depth += 1;
          if (depth > this.deepest) this.deepest = depth;
        } else if (depth === 0) {
          // A number or a word ends before what follows it.
          this.isComplete = isDelimiter(byte);
          if (this.isComplete) break;
        } else if (byte === 0x7d || byte === 0x5d) {
          depth -= 1;
          this.isComplete = depth === 0;
        }
      }
      if (byte === 0x0a) this.newlines += 1;
    }
    this.#depth = depth;
    this.#inText = inText;
    this.#isEscaped = isEscaped;
    this.#digits = digits;
    return at;
  }
}

function isDelimiter(byte: number): boolean {
  return byte <= 0x20 || byte === 0x2c || byte === 0x3a || byte === 0x5d || byte === 0x7d;
}
