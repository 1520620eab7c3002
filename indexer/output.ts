import { printable } from './text.js';

/**
 * Writes a verb's result to stdout: with --json one line of JSON and nothing else; without, what `render` makes of it.
 * Notes go to stderr in both cases.
 */
export function printResult<T>(value: T, { json }: { json?: boolean }, render: (value: T) => string): void {
  process.stdout.write(`${json ? JSON.stringify(value, plainArrays) : render(value)}\n`);
}

export function printNotes(notes: readonly string[]): void {
  for (const note of notes) process.stderr.write(`patchword: ${printable(note)}\n`);
}

/** Typed arrays are JSON arrays; a float32 is written with the digits that it has. */
function plainArrays(_key: string, value: unknown): unknown {
  return value instanceof Float32Array ? Array.from(value, (number) => Number(number.toPrecision(8))) : value;
}
