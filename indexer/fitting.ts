import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { PatchwordError } from '../src/errors.js';
import type { Inference } from '../src/inference/inference.js';
import type { PictureSource } from '../src/prefilter/extraction.js';
import { originalFile } from '../src/original.js';
import { withJobLock } from '../src/store/sqlite/lock.js';
import { iterate, mapAhead } from './lookahead.js';
import { prepareImage } from './preparation.js';
import { isSkipped, type Reader, type SkippedImage, type SourceImage } from './readers/reader.js';
import { unknownSplit } from './splits.js';

export interface PictureOptions {
  inference: Inference;
  reader: Reader;
  /** Only the pictures of this split. Default: all. */
  split?: string;
  /** At most so many pairs of a picture and a caption: whole pictures, drawn by the seed. Default: all. */
  pairs?: number;
  seed: number;
}

/**
 * Runs a fit while no other process fits the same model: both would write the same features, or the same fit.
 *
 * @throws PatchwordError FIT_BUSY, DISK_FULL, READ_ONLY
 */
export async function withFitLock<T>({ cache, hash }: { cache: string; hash: string }, fit: () => Promise<T>) {
  const file = path.join(cache, 'features', `${hash.slice(0, 16)}.lock.sqlite`);
  const busy = (cause: unknown) =>
    new PatchwordError('FIT_BUSY', 'Another process is fitting a prefilter to the same model.', {
      hint: 'Wait until it has finished.',
      cause,
    });
  return withJobLock({ file, busy }, fit);
}

/** One batch is prepared while another is read by the model. */
const PREPARATION = { concurrency: 4, ahead: 36 };

/**
 * The captioned pictures of a source, listed once, so that an interrupted fit finds its place again.
 *
 * @throws PatchwordError INVALID_ARGUMENT for a split that is not there
 */
export async function openPictures({ inference, reader, split, pairs, seed }: PictureOptions): Promise<PictureSource> {
  const entries: (SourceImage | SkippedImage)[] = [];
  const sizes = new Map<string | null, number>();
  for await (const entry of reader.entries()) {
    if (!isSkipped(entry)) {
      sizes.set(entry.split, (sizes.get(entry.split) ?? 0) + 1);
      if (split !== undefined && entry.split !== split) continue;
      // What a reader brings along would fill the memory; it is read again in its turn.
      delete entry.bytes;
    }
    entries.push(entry);
  }
  if (split !== undefined && !sizes.has(split)) throw unknownSplit(reader.path, split, sizes);
  const chosen = pairs === undefined ? entries : draw(entries, { pairs, seed });
  const { root } = reader;
  return {
    key: await hashListing(root, chosen),
    total: chosen.length,
    from: (entry) =>
      mapAhead(iterate(chosen.slice(entry)), PREPARATION, async (image) => {
        if (isSkipped(image)) return image;
        const outcome = await prepareImage({ inference, root, image });
        return 'reason' in outcome ? outcome : { ...outcome, file: image.name, captions: image.captions };
      }),
  };
}

/** Whole pictures until there are enough pairs, in the source's order. */
function draw(
  entries: (SourceImage | SkippedImage)[],
  { pairs, seed }: { pairs: number; seed: number },
): (SourceImage | SkippedImage)[] {
  const images = entries.filter((entry) => !isSkipped(entry) && entry.captions.length > 0) as SourceImage[];
  const order = new Map(images.map((image) => [image, sha256(`${seed}:${image.name}`)]));
  const drawn = new Set<SourceImage>();
  let count = 0;
  for (const image of [...images].sort((a, b) => (order.get(a)! < order.get(b)! ? -1 : 1))) {
    if (count >= pairs) break;
    drawn.add(image);
    count += image.captions.length;
  }
  return images.filter((image) => drawn.has(image));
}

/** What a source holds, as far as it shows without reading the pictures: names, captions, sizes and times. */
async function hashListing(root: string, entries: readonly (SourceImage | SkippedImage)[]): Promise<string> {
  const hash = createHash('sha256');
  for (const entry of entries) {
    const status = isSkipped(entry) ? null : await stat(originalFile(root, entry.location)).catch(() => null);
    hash.update(`${JSON.stringify([entry, status?.size, status?.mtimeMs])}\n`);
  }
  return hash.digest('hex');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
