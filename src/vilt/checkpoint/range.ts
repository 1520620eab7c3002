import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { messageOf, PatchwordError } from '../../errors.js';

/** The most that one read call is asked for; the system's own limit is just below 2 GiB. */
const READ_BYTES = 1 << 30;

/**
 * Exactly these bytes of a file, in a buffer of their own.
 *
 * @throws PatchwordError FILE_NOT_FOUND where the file cannot be read, MODEL_INCOMPLETE where it ends before.
 */
export function readRange(file: string, offset: number, byteLength: number): Uint8Array<ArrayBuffer> {
  const descriptor = reading(file, () => openSync(file, 'r'));
  try {
    const bytes = new Uint8Array(byteLength);
    for (let done = 0; done < byteLength;) {
      const room = Math.min(byteLength - done, READ_BYTES);
      const count = reading(file, () => readSync(descriptor, bytes, done, room, offset + done));
      if (count === 0) throw tooShort(file, offset + byteLength, offset + done);
      done += count;
    }
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

/** The size of a file in bytes. @throws PatchwordError FILE_NOT_FOUND */
export function sizeOf(file: string): number {
  return reading(file, () => statSync(file).size);
}

/** Runs a read. @throws PatchwordError FILE_NOT_FOUND where the system refuses it */
export function reading<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

export function unreadable(file: string, cause: unknown): PatchwordError {
  return new PatchwordError('FILE_NOT_FOUND', `${file} cannot be read: ${messageOf(cause)}.`, { cause });
}

function tooShort(file: string, expected: number, found: number): PatchwordError {
  return new PatchwordError(
    'MODEL_INCOMPLETE',
    `${file} should have at least ${expected} bytes but ends at ${found}.`,
    {
      hint: 'The file was cut short or is still being written: download or copy it again.',
    },
  );
}
