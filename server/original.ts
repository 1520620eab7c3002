import { open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { PatchwordError } from '../src/errors.js';
import { originalFile } from '../src/original.js';
import type { Store, StoredImage } from '../src/store/store.js';

/** @throws PatchwordError NOT_FOUND */
export async function findImage(store: Store, imageId: number): Promise<StoredImage> {
  const [image] = await store.getImages([imageId]);
  if (image) return image;
  throw new PatchwordError('NOT_FOUND', `There is no image ${imageId} in this collection.`);
}

/**
 * Where the original of a stored image is. The stored name is not trusted: what it resolves to, links included, must be
 * a plain file below the root of its source.
 *
 * @throws PatchwordError NOT_FOUND
 */
export async function originalPath(image: StoredImage): Promise<string> {
  try {
    const root = await realpath(image.root);
    const file = await realpath(originalFile(root, image.location));
    if (file.startsWith(root.endsWith(path.sep) ? root : root + path.sep)) return file;
  } catch (error) {
    throw gone(image, error);
  }
  throw gone(image);
}

export function gone({ imageId }: StoredImage, cause?: unknown): PatchwordError {
  return new PatchwordError('NOT_FOUND', `The file of image ${imageId} is no longer where it was indexed.`, {
    hint: 'Index its source again.',
    cause,
  });
}

/** The media type of a picture that a browser may show, from its first bytes; null for anything else, SVG and HTML included. */
export async function pictureType(file: string): Promise<string | null> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0);
    return typeOf(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

function typeOf(head: Buffer): string | null {
  const ascii = head.toString('latin1');
  if (ascii.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (ascii.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (ascii.startsWith('GIF87a') || ascii.startsWith('GIF89a')) return 'image/gif';
  if (ascii.startsWith('RIFF') && ascii.slice(8, 12) === 'WEBP') return 'image/webp';
  if (/^ftypavi[fs]$/.test(ascii.slice(4, 12))) return 'image/avif';
  return null;
}
