import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { explainSystemError, messageOf, PatchwordError } from '../src/errors.js';

export interface RetryOptions {
  /** Wait before the second try, in milliseconds; doubled for each further one. */
  retryDelay: number;
  signal?: AbortSignal;
}

export interface Download extends RetryOptions {
  /** Where the whole file goes. The bytes so far are in `<file>.part`. */
  file: string;
  size: number;
  /** What the bytes must hash to: their SHA-256, or git's SHA-1 of them as a blob. */
  hash: { sha256: string } | { blob: string };
  /** The file's bytes from an offset on; `from` is where they really begin, 0 where the server cannot skip. */
  request: (offset: number) => Promise<{ from: number; body: AsyncIterable<Uint8Array> }>;
  /** Told the bytes of this file that are on disk. */
  onBytes: (bytes: number) => void;
}

/** Tries in a row that may fail without a single new byte. */
const ATTEMPTS = 4;

/**
 * Downloads a file, going on from the bytes that an earlier try left, and checks it before it gets its name.
 *
 * @returns its SHA-256 (hex)
 * @throws PatchwordError DOWNLOAD_FAILED where the bytes are not what was announced (they are deleted); DISK_FULL, READ_ONLY;
 *   CANCELLED. Whatever else is thrown is the network's failure, and the bytes so far are kept.
 */
export async function download(task: Download): Promise<string> {
  const { file, size, hash, onBytes } = task;
  if ((await bytesOf(file)) === size) {
    const found = await hashesOf(file, size);
    if (agrees(found, hash)) {
      onBytes(size);
      return found.sha256;
    }
  }
  const part = `${file}.part`;
  await retrying((progressed) => fetchRest(part, task, progressed), task);
  const found = await hashesOf(part, size);
  if (!agrees(found, hash)) {
    await rm(part, { force: true });
    throw new PatchwordError(
      'DOWNLOAD_FAILED',
      `${file} came with other bytes than the hub announced; they are deleted.`,
      {
        hint: 'Run the same command again. If it happens twice, something on the way alters what you download.',
      },
    );
  }
  await attempt(part, () => rename(part, file));
  return found.sha256;
}

/** Runs a task again after a failure that may pass, until it has failed too often in a row. */
export async function retrying<T>(
  task: (progressed: () => void) => Promise<T>,
  { retryDelay, signal }: RetryOptions,
): Promise<T> {
  let failures = 0;
  for (;;) {
    try {
      signal?.throwIfAborted();
      return await task(() => void (failures = 0));
    } catch (error) {
      if (signal?.aborted) throw new PatchwordError('CANCELLED', 'The download was cancelled.', { cause: error });
      if (error instanceof PatchwordError || ++failures >= ATTEMPTS) throw error;
      await sleep(retryDelay * 2 ** (failures - 1), undefined, { signal }).catch(() => undefined);
    }
  }
}

async function fetchRest(part: string, { size, request, onBytes }: Download, progressed: () => void): Promise<void> {
  let bytes = (await bytesOf(part)) ?? 0;
  const handle = await attempt(part, () => open(part, 'a'));
  try {
    if (bytes > size) await attempt(part, () => handle.truncate((bytes = 0)));
    onBytes(bytes);
    if (bytes < size) {
      const { from, body } = await request(bytes);
      if (from !== bytes) await attempt(part, () => handle.truncate((bytes = from)));
      for await (const chunk of body) {
        if (bytes + chunk.length > size) throw await tooLong(part, size);
        await attempt(part, () => handle.appendFile(chunk));
        bytes += chunk.length;
        progressed();
        onBytes(bytes);
      }
    }
    if (bytes < size) throw new Error(`the connection ended after ${bytes} of ${size} bytes`);
    await attempt(part, () => handle.sync());
  } finally {
    await handle.close();
  }
}

async function tooLong(part: string, size: number): Promise<PatchwordError> {
  await rm(part, { force: true });
  return new PatchwordError('DOWNLOAD_FAILED', `The hub announced ${size} bytes for ${part} but sends more.`);
}

/** Local file operations: their failures are no reason to try again. */
async function attempt<T>(file: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    const explained = explainSystemError(error, file);
    if (explained instanceof PatchwordError) throw explained;
    throw new PatchwordError('DOWNLOAD_FAILED', `${file} cannot be written: ${messageOf(error)}.`, { cause: error });
  }
}

async function bytesOf(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.size;
}

async function hashesOf(file: string, size: number): Promise<{ sha256: string; blob: string }> {
  const sha256 = createHash('sha256');
  // git hash-object: the type, the length and a zero byte come before the content.
  const blob = createHash('sha1').update(`blob ${size}\0`);
  await attempt(file, async () => {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
      sha256.update(chunk as Buffer);
      blob.update(chunk as Buffer);
    }
  });
  return { sha256: sha256.digest('hex'), blob: blob.digest('hex') };
}

function agrees(found: { sha256: string; blob: string }, hash: Download['hash']): boolean {
  return 'sha256' in hash ? found.sha256 === hash.sha256 : found.blob === hash.blob;
}
