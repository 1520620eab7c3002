import { readFile, stat } from 'node:fs/promises';
import { messageOf, PatchwordError } from '../errors.js';
import { recognizeForeign } from './foreign.js';

/** First bytes of the formats that are read, in Latin-1. The name of a file says nothing. */
const SIGNATURES = {
  JPEG: /^\xff\xd8\xff/,
  PNG: /^\x89PNG\r\n/,
  WebP: /^RIFF[^]{4}WEBP/,
  AVIF: /^[^]{4}ftyp(?:[^]{4}){0,8}avi[fs]/,
  GIF: /^GIF8[79]a/,
  TIFF: /^(?:II[*+]\0|MM\0[*+])/,
};

/**
 * The bytes of an image file, checked before any decoder sees them.
 *
 * @param source a file's path, or its bytes
 * @returns the bytes, and what to call the image in a message
 * @throws PatchwordError FILE_NOT_FOUND, IMAGE_UNREADABLE, IMAGE_TOO_LARGE
 */
export async function readSource(
  source: string | Uint8Array,
  limits: { bytes: number },
): Promise<{ name: string; bytes: Uint8Array }> {
  const name = typeof source === 'string' ? source : 'The image';
  const bytes = typeof source === 'string' ? await readWithin(source, limits.bytes) : source;
  checkLength(name, bytes.length, limits.bytes);
  checkSignature(name, bytes);
  return { name, bytes };
}

async function readWithin(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    const file = await stat(path);
    if (!file.isFile()) {
      const kind = file.isDirectory() ? 'a folder' : 'a device or a pipe';
      throw new PatchwordError('IMAGE_UNREADABLE', `${path} is ${kind}; expected an image file.`);
    }
    checkLength(path, file.size, maxBytes);
    return await readFile(path);
  } catch (error) {
    if (error instanceof PatchwordError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
    const message = isMissing ? `${path} does not exist.` : `${path} cannot be read: ${messageOf(error)}.`;
    const hint = isMissing ? 'Check the path.' : 'Check the permissions of the file and of its folder.';
    throw new PatchwordError('FILE_NOT_FOUND', message, { hint, cause: error });
  }
}

/** @throws PatchwordError IMAGE_UNREADABLE where there is no byte, IMAGE_TOO_LARGE where there are too many */
export function checkLength(name: string, bytes: number, maxBytes: number): void {
  if (bytes === 0) {
    throw new PatchwordError('IMAGE_UNREADABLE', `${name} is empty; expected an image.`, {
      hint: 'Copy or download it again.',
    });
  }
  if (bytes > maxBytes) {
    const mebibytes = (n: number) => `${(n / 2 ** 20).toFixed(1)} MiB`;
    const message = `${name} has ${mebibytes(bytes)}; images of at most ${mebibytes(maxBytes)} are read.`;
    throw new PatchwordError('IMAGE_TOO_LARGE', message, { hint: 'Use a smaller copy of it.' });
  }
}

function checkSignature(name: string, bytes: Uint8Array): void {
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  if (Object.values(SIGNATURES).some((signature) => signature.test(head))) return;
  const foreign = recognizeForeign(bytes);
  const expected = `expected one of ${Object.keys(SIGNATURES).join(', ')}`;
  const message = foreign
    ? `${name} is ${foreign.what}; ${expected}.`
    : `${name} does not begin as a picture does; ${expected}.`;
  throw new PatchwordError('IMAGE_UNREADABLE', foreign?.why ? `${message} ${foreign.why}` : message, {
    hint: foreign?.hint ?? 'Convert it to one of these.',
  });
}
