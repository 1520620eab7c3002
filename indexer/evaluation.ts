import { PatchwordError } from '../src/errors.js';
import type { PictureSource } from '../src/evaluation/picture.js';
import type { ListedImage, Split } from '../src/evaluation/split.js';
import type { Inference } from '../src/inference/inference.js';
import { hashContent, originalFile, readOriginal } from '../src/original.js';
import { IMAGE_LIMITS } from '../src/vilt/limits.js';
import { iterate, mapAhead } from './lookahead.js';
import { prepareImage, reasonToSkip } from './preparation.js';
import { isSkipped, type Reader, type SkippedImage, type SourceImage } from './readers/reader.js';
import { unknownSplit } from './splits.js';

/** The split that benchmarks are about, taken where a source has splits and the user names none. */
const DEFAULT_SPLIT = 'test';

/** Pictures that are read at the same time, and how many of them wait. */
const READING = { concurrency: 4, ahead: 16 };

export interface SplitListing {
  /** Null where the source has no splits: all of it. */
  split: string | null;
  listed: ListedImage[];
  /** Pictures of the split that cannot be read. */
  missing: SkippedImage[];
  notes: string[];
}

/**
 * Reads one split of a source, and every picture of it once, for its hash.
 *
 * @param options.split default: test, or all of a source without splits
 * @throws PatchwordError INVALID_ARGUMENT for a split that is not there; SOURCE_INVALID; CANCELLED
 */
export async function readSplit(
  reader: Reader,
  options: {
    split?: string | undefined;
    signal?: AbortSignal;
    onProgress?: (progress: { done: number; total: number }) => void;
  },
): Promise<SplitListing> {
  const { split, entries, notes } = await listSplit(reader, options.split);
  const listed: ListedImage[] = [];
  const missing: SkippedImage[] = [];
  const hashes = mapAhead(iterate(entries), READING, (image) => hashPicture(reader.root, image));
  for await (const { image, contentHash, reason } of hashes) {
    if (options.signal?.aborted) throw new PatchwordError('CANCELLED', 'Stopped while the pictures were read.');
    const { name, location, captions } = image;
    listed.push({ name, location, captions, contentHash });
    if (contentHash === null) missing.push({ file: name, reason });
    options.onProgress?.({ done: listed.length, total: entries.length });
  }
  return { split, listed, missing, notes };
}

interface ListedEntry extends Omit<SourceImage, 'bytes'> {
  /** Where the reader has brought the bytes along. */
  contentHash?: string;
}

async function listSplit(reader: Reader, wanted: string | undefined) {
  const sizes = new Map<string | null, number>();
  const kept: ListedEntry[] = [];
  const unusable: SkippedImage[] = [];
  for await (const entry of reader.entries()) {
    if (isSkipped(entry)) {
      unusable.push(entry);
      continue;
    }
    sizes.set(entry.split, (sizes.get(entry.split) ?? 0) + 1);
    // Until a split is seen, there may be none.
    const mayBe = wanted === undefined ? entry.split === null || entry.split === DEFAULT_SPLIT : entry.split === wanted;
    if (!mayBe) continue;
    const { bytes, ...rest } = entry;
    kept.push({ ...rest, ...(bytes && { contentHash: hashContent(bytes) }) });
  }
  const named = [...sizes.keys()].filter((name) => name !== null);
  const split = wanted ?? (named.length > 0 ? DEFAULT_SPLIT : null);
  if (split !== null && !sizes.has(split)) throw unknownSplit(reader.path, split, sizes);
  const own = kept.filter((entry) => entry.split === split);
  const captioned = own.filter(({ captions }) => captions.length > 0);
  const uncaptioned = own.length - captioned.length;
  const notes: string[] = [];
  if (uncaptioned > 0) {
    const are = uncaptioned === 1 ? 'has no caption and is' : 'have no caption and are';
    notes.push(`${uncaptioned} of the split's pictures ${are} left out.`);
  }
  if (unusable.length > 0) {
    const [{ file, reason }] = unusable;
    notes.push(`${unusable.length} entries of the source cannot be used, such as ${file}: ${reason}.`);
  }
  return { split, entries: captioned, notes };
}

async function hashPicture(
  root: string,
  image: ListedEntry,
): Promise<
  { image: ListedEntry; contentHash: string; reason: '' } | { image: ListedEntry; contentHash: null; reason: string }
> {
  if (image.contentHash !== undefined) return { image, contentHash: image.contentHash, reason: '' };
  try {
    const bytes = await readOriginal({ root, location: image.location }, IMAGE_LIMITS);
    return { image, contentHash: hashContent(bytes), reason: '' };
  } catch (error) {
    return { image, contentHash: null, reason: reasonToSkip(error, originalFile(root, image.location)) };
  }
}

/** Pictures of a split, each content from the first image that has it. */
export function openPictures(models: readonly Inference[], root: string, split: Split): PictureSource {
  const first = new Map<number, Split['images'][number]>();
  for (const image of split.images) if (!first.has(image.picture)) first.set(image.picture, image);
  let turn = 0;
  return {
    async prepare(picture) {
      const { name, location } = first.get(picture)!;
      const inference = models[turn++ % models.length];
      const image = { name, location, captions: [], split: null, attributes: {} };
      const outcome = await prepareImage({ inference, root, image });
      if ('reason' in outcome) return { reason: outcome.reason };
      if (outcome.contentHash === split.pictures[picture]) return outcome.modelInput;
      return { reason: `${name} has changed since it was read` };
    },
  };
}
