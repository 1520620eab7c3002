import { explainSystemError, messageOf } from '../src/errors.js';
import type { Inference } from '../src/inference/inference.js';
import { hashContent, originalFile, type OriginalStatus, readOriginal } from '../src/original.js';
import { isImageFailure } from '../src/preparation.js';
import type { StoredFile } from '../src/store/store.js';
import type { ModelInput } from '../src/vilt/image.js';
import { IMAGE_LIMITS } from '../src/vilt/limits.js';
import type { SkippedImage, SourceImage } from './readers/reader.js';

/** The most characters of a reason: some libraries repeat what they were given. */
const MAX_REASON_LENGTH = 500;

/** One picture, decoded and resized as the model sees it; or why it cannot be. */
export async function prepareImage(options: {
  inference: Inference;
  root: string;
  image: SourceImage;
}): Promise<{ contentHash: string; modelInput: ModelInput } | SkippedImage> {
  const { inference, root, image } = options;
  try {
    const bytes = image.bytes ?? (await readOriginal({ root, location: image.location }, IMAGE_LIMITS));
    const { modelInput } = await inference.prepare(bytes, { priority: 'background' });
    return { contentHash: hashContent(bytes), modelInput };
  } catch (error) {
    return { file: image.name, reason: reasonToSkip(error, originalFile(root, image.location)) };
  }
}

/** Why one picture cannot be used. @throws what is no fault of the picture */
export function reasonToSkip(error: unknown, file: string): string {
  const explained = explainSystemError(error, file);
  if (!isImageFailure(explained)) throw explained;
  if (explained.code === 'FILE_NOT_FOUND' && file.includes('\u{FFFD}')) {
    return `${file} cannot be opened: its name is not UTF-8; rename it`;
  }
  return shortenReason(messageOf(explained));
}

export function shortenReason(reason: string): string {
  return reason.length <= MAX_REASON_LENGTH ? reason : `${reason.slice(0, MAX_REASON_LENGTH).toWellFormed()}…`;
}

/** Bytes of a picture, as far as they show without reading a table. */
export function sizeOf(image: SourceImage, { range }: OriginalStatus): number | null {
  return image.bytes?.length ?? range?.bytes ?? null;
}

/** Whether the catalog holds a picture as it is, as far as place, size and time tell. */
export function looksUnchanged(image: SourceImage, status: OriginalStatus, known: StoredFile): boolean {
  const size = sizeOf(image, status);
  if (!known.searchable || known.modified !== status.modified || (size !== null && known.bytes !== size)) return false;
  return JSON.stringify(image.location) === JSON.stringify(known.location);
}

/** Whether the catalog holds what a source says of a picture. */
export function hasSameLabels(image: SourceImage, known: StoredFile): boolean {
  return labelsOf(image) === labelsOf(known);
}

function labelsOf({ captions, split, attributes }: Pick<SourceImage, 'captions' | 'split' | 'attributes'>): string {
  const sorted = Object.entries(attributes).sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([captions, split, sorted]);
}
