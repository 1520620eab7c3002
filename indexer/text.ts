import type { SkippedImage } from './readers/reader.js';

/** Text that is safe on a terminal: a caption or a file name may hold escape sequences and direction overrides. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu, '\u{FFFD}');
}

/** At most `length` characters, the cut shown. */
export function shorten(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, Math.max(length - 1, 0)).join('')}…`;
}

/**
 * Columns as wide as their widest cell, two spaces between them; numbers to the right. On a terminal a line is cut at
 * its right margin.
 *
 * @param rows the first holds the headings; `null` shows as a dash
 */
export function formatTable(rows: (string | null)[][], { width = Infinity } = {}): string {
  const cells = rows.map((row) => row.map((cell) => printable(cell ?? '–')));
  const columns = cells[0].map((_, column) => {
    const body = cells.slice(1).map((row) => row[column]);
    return {
      width: Math.max(...cells.map((row) => [...row[column]].length)),
      numeric: body.every((cell) => /^(–|[-−]?\d+(\.\d+)?%?)$/.test(cell)),
    };
  });
  return cells
    .map((row) => row.map((cell, column) => pad(cell, columns[column])).join('  '))
    .map((line) => shorten(line.trimEnd(), width))
    .join('\n');
}

function pad(cell: string, { width, numeric }: { width: number; numeric: boolean }): string {
  const padding = ' '.repeat(width - [...cell].length);
  return numeric ? padding + cell : cell + padding;
}

/** "1 picture", "2 pictures" */
export function describeCount(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

/** "700 B", "12 kB", "4.2 MB": powers of 1000. */
export function describeBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  const number = bytes / 1000 ** power;
  return `${power > 0 && number < 10 ? number.toFixed(1) : Math.round(number)} ${units[power]}`;
}

/** How many of the pictures that were skipped are named where no one asked for all. */
const SKIPPED_SHOWN = 20;

/**
 * A line for each picture that was skipped, within reason.
 *
 * @param quarantine how many there are in all, and the collection that keeps them in quarantine; default: these are all
 */
export function describeSkipped(
  skipped: readonly SkippedImage[],
  quarantine?: { count: number; collection: string },
): string[] {
  const shown = skipped.slice(0, SKIPPED_SHOWN);
  const lines = shown.map(({ file, reason }) => `  skipped ${printable(file)}: ${printable(reason)}`);
  const unnamed = (quarantine?.count ?? skipped.length) - shown.length;
  if (unnamed <= 0) return lines;
  const all = quarantine
    ? `patchword quarantine list ${quarantine.collection} names them all`
    : '--json names them all';
  return [...lines, `  … and ${unnamed} more; ${all}`];
}
