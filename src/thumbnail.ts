import { PatchwordError } from './errors.js';
import { openImage, type ImageLimits } from './vilt/image.js';

export interface ThumbnailOptions {
  /** The most pixels of the longer side. */
  edge: number;
}

export const THUMBNAIL_DEFAULTS: ThumbnailOptions = { edge: 320 };

const QUALITY = 80;

/**
 * A small copy of an image for people to look at: upright, over white, in sRGB, never enlarged.
 *
 * @param source a file's path, or its bytes
 * @returns a WebP file
 * @throws PatchwordError INVALID_ARGUMENT, FILE_NOT_FOUND, IMAGE_UNREADABLE, IMAGE_TOO_LARGE
 */
export async function thumbnail(
  source: string | Uint8Array,
  options: Partial<ThumbnailOptions> = {},
  limits?: Partial<ImageLimits>,
): Promise<Uint8Array> {
  const { edge } = { ...THUMBNAIL_DEFAULTS, ...options };
  if (!Number.isSafeInteger(edge) || edge < 1) {
    throw new PatchwordError('INVALID_ARGUMENT', `The edge of a thumbnail is a whole number of pixels, not ${edge}.`);
  }
  return openImage(source, limits, (open) =>
    open()
      .resize({ width: edge, height: edge, fit: 'inside', withoutEnlargement: true })
      .flatten({ background: 'white' })
      .webp({ quality: QUALITY })
      .toBuffer(),
  );
}
