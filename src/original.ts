import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { explainReading, PatchwordError } from './errors.js';
import { checkLength } from './vilt/source.js';

/**
 * Where the bytes of an image are, below the root of its source: in a file of their own, in a range of an archive, or in a
 * row of a table. `file` has forward slashes.
 */
export type ImageLocation =
  { file: string } | { file: string; offset: number; bytes: number } | { file: string; row: number; column: string };

/** An image where its source has it. */
export interface Original {
  /** Absolute folder of the source. */
  root: string;
  /** The same with its links followed, where that is known: looking again for each of many costs as much as reading it. */
  realRoot?: string;
  location: ImageLocation;
}

/** What can be said of an original without reading it. */
export interface OriginalStatus {
  /** Absolute path of the file that holds it, alone or among others, links resolved. */
  file: string;
  /** Where in the file its bytes are; null in a table, where only reading tells. */
  range: { offset: number; bytes: number } | null;
  /** Modification time of the file, in milliseconds since the epoch. */
  modified: number;
}

/** SHA-256 of an image's bytes, hex: by it a catalog tells whether an original is still what was indexed. */
export function hashContent(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Absolute path of the file that holds an image's bytes, alone or among others. */
export function originalFile(root: string, { file }: ImageLocation): string {
  return path.join(root, file);
}

/**
 * Looks for an original. What is stored is not trusted: with its links followed it must be a plain file below the root,
 * and hold the range.
 *
 * @throws PatchwordError FILE_NOT_FOUND, IMAGE_UNREADABLE
 */
export async function statOriginal(original: Original): Promise<OriginalStatus> {
  return find(original, async (file) => describe(original, file, await stat(file)));
}

/**
 * The bytes of an original, as `statOriginal` finds it.
 *
 * @throws PatchwordError FILE_NOT_FOUND, IMAGE_UNREADABLE (also where there is no byte); IMAGE_TOO_LARGE before more than
 *   `limits.bytes` are read
 */
export async function readOriginal(original: Original, limits: { bytes: number }): Promise<Uint8Array> {
  return (await takeOriginal(original, limits)).bytes;
}

/** What `statOriginal` and `readOriginal` say, from one look at the file. */
export async function takeOriginal(
  original: Original,
  limits: { bytes: number },
): Promise<{ status: OriginalStatus; bytes: Uint8Array }> {
  return find(original, async (file) => {
    // A pipe would keep its opener waiting for a writer.
    const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const status = describe(original, file, await handle.stat());
      const { range } = status;
      if (range === null) return { status, bytes: await readRow(original, file, limits) };
      checkLength(file, range.bytes, limits.bytes);
      return { status, bytes: await readRange(handle, file, range) };
    } finally {
      await handle.close();
    }
  });
}

/** Calls with the absolute path of the file, links resolved, once that is below the root. */
async function find<T>({ root, realRoot, location }: Original, use: (file: string) => Promise<T>): Promise<T> {
  const named = originalFile(root, location);
  try {
    const file = await realpath(named);
    const folder = realRoot ?? (await realpath(root));
    if (file.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep)) return await use(file);
    throw new PatchwordError('IMAGE_UNREADABLE', `${named} is a path or a link that leaves ${root}.`);
  } catch (error) {
    throw explainReading(error, named);
  }
}

function describe({ location }: Original, file: string, status: Stats): OriginalStatus {
  if (status.isFile()) {
    return { file, range: rangeOf(location, file, status.size), modified: Math.round(status.mtimeMs) };
  }
  const kind = status.isDirectory() ? 'a folder' : 'a device or a pipe';
  throw new PatchwordError('IMAGE_UNREADABLE', `${file} is ${kind}; expected an image file.`);
}

function rangeOf(location: ImageLocation, file: string, size: number): { offset: number; bytes: number } | null {
  if ('row' in location) return null;
  if (!('offset' in location)) return { offset: 0, bytes: size };
  const { offset, bytes } = location;
  const sound = [offset, bytes].every((value) => Number.isSafeInteger(value) && value >= 0);
  if (sound && offset + bytes <= size) return { offset, bytes };
  throw new PatchwordError(
    'IMAGE_UNREADABLE',
    `${file} has ${size} bytes; it was indexed with an image at bytes ${offset} to ${offset + bytes}.`,
    { hint: 'Index its source again.' },
  );
}

async function readRange(handle: FileHandle, file: string, range: { offset: number; bytes: number }) {
  const bytes = new Uint8Array(range.bytes);
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, range.offset + done);
    if (bytesRead === 0) throw new PatchwordError('IMAGE_UNREADABLE', `${file} was cut short while it was read.`);
    done += bytesRead;
  }
  return bytes;
}

async function readRow({ location }: Original, file: string, limits: { bytes: number }): Promise<Uint8Array> {
  const { row, column } = location as { row: number; column: string };
  // Few sources are tables, and whatever opens a collection would wait for the reader of Parquet.
  const { readTablePicture } = await import('./tablepicture.js');
  const bytes = await readTablePicture({ file, row, column }).catch((error: unknown) => {
    if (!(error instanceof PatchwordError) || error.code !== 'SOURCE_INVALID') throw error;
    throw new PatchwordError('IMAGE_UNREADABLE', error.message, { cause: error });
  });
  if (bytes === null) {
    throw new PatchwordError('IMAGE_UNREADABLE', `${file} has no picture in row ${row} of "${column}".`, {
      hint: 'Index its source again.',
    });
  }
  checkLength(file, bytes.length, limits.bytes);
  return bytes;
}
