import { open } from 'node:fs/promises';
import { PatchwordError } from '../src/errors.js';
import { hashContent, type OriginalStatus, readOriginal, statOriginal } from '../src/original.js';
import type { Store, StoredImage } from '../src/store/store.js';
import { IMAGE_LIMITS } from '../src/vilt/limits.js';

/** @throws PatchwordError NOT_FOUND */
export async function findImage(store: Store, imageId: number): Promise<StoredImage> {
  const [image] = await store.getImages([imageId]);
  if (image) return image;
  throw new PatchwordError('NOT_FOUND', `There is no image ${imageId} in this collection.`);
}

/**
 * Where the original of a stored image is.
 *
 * @throws PatchwordError NOT_FOUND
 */
export function locateImage(image: StoredImage): Promise<OriginalStatus> {
  return statOriginal(image).catch((error: unknown) => {
    throw hidePath(image, error);
  });
}

/**
 * The bytes of the original of a stored image.
 *
 * @throws PatchwordError NOT_FOUND, IMAGE_TOO_LARGE
 */
export function readImage(image: StoredImage): Promise<Uint8Array> {
  return readOriginal(image, IMAGE_LIMITS).catch((error: unknown) => {
    throw hidePath(image, error);
  });
}

/**
 * The bytes of the original, which must be what was indexed.
 *
 * @throws PatchwordError NOT_FOUND, IMAGE_TOO_LARGE
 */
export async function readIndexed(image: StoredImage): Promise<Uint8Array> {
  const bytes = await readImage(image);
  if (hashContent(bytes) === image.contentHash) return bytes;
  throw new PatchwordError('NOT_FOUND', `The file of image ${image.imageId} is another picture than was indexed.`, {
    hint: 'Index its source again.',
  });
}

export function gone({ imageId }: StoredImage, cause?: unknown): PatchwordError {
  return new PatchwordError('NOT_FOUND', `The file of image ${imageId} is no longer where it was indexed.`, {
    hint: 'Index its source again.',
    cause,
  });
}

/** The folders of the server are nobody's business. */
export function hidePath(image: StoredImage, error: unknown): unknown {
  if (!(error instanceof PatchwordError)) return error;
  if (error.code !== 'IMAGE_TOO_LARGE') return gone(image, error);
  return new PatchwordError('IMAGE_TOO_LARGE', `The file of image ${image.imageId} has become too large to be read.`, {
    cause: error,
  });
}

/** `pictureType` of what begins at a byte of a file. */
export async function pictureTypeAt(file: string, range: { offset: number; bytes: number }): Promise<string | null> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, Math.min(16, range.bytes), range.offset);
    return pictureType(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

/** The media type of a picture that a browser may show, from its first bytes; null for anything else, SVG and HTML included. */
export function pictureType(bytes: Uint8Array): string | null {
  const ascii = Buffer.from(bytes.subarray(0, 16)).toString('latin1');
  if (ascii.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (ascii.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (ascii.startsWith('GIF87a') || ascii.startsWith('GIF89a')) return 'image/gif';
  if (ascii.startsWith('RIFF') && ascii.slice(8, 12) === 'WEBP') return 'image/webp';
  if (/^ftypavi[fs]$/.test(ascii.slice(4, 12))) return 'image/avif';
  return null;
}
