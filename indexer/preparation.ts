import { type ErrorCode, explainSystemError, messageOf, PatchwordError } from '../src/errors.js';
import type { Inference } from '../src/inference/inference.js';
import { hashContent, type Original, originalFile, type OriginalStatus, readOriginal } from '../src/original.js';
import type { StoredFile } from '../src/store/store.js';
import type { ModelInput } from '../src/vilt/image.js';
import { IMAGE_LIMITS } from '../src/vilt/limits.js';
import type { SkippedImage, SourceImage } from './readers/reader.js';

/** Failures of one picture, which never stop the rest. */
const IMAGE_FAILURES: readonly ErrorCode[] = ['IMAGE_UNREADABLE', 'IMAGE_TOO_LARGE', 'FILE_NOT_FOUND', 'READ_ONLY'];

/** The most characters of a reason: some libraries repeat what they were given. */
const MAX_REASON_LENGTH = 500;

/** A picture's bytes, from where it lies or from the reader that brought them, and their SHA-256, hex. */
async function readPicture(
  root: string,
  { location, bytes: brought }: Pick<SourceImage, 'location' | 'bytes'>,
): Promise<{ bytes: Uint8Array; contentHash: string }> {
  const bytes = brought ?? (await readOriginal({ root, location }, IMAGE_LIMITS));
  return { bytes, contentHash: hashContent(bytes) };
}

/** One picture, decoded and resized as the model sees it; or why it cannot be. */
export async function prepareImage(options: {
  inference: Inference;
  root: string;
  image: SourceImage;
}): Promise<{ contentHash: string; modelInput: ModelInput } | SkippedImage> {
  const { inference, root, image } = options;
  try {
    const { bytes, contentHash } = await readPicture(root, image);
    const { modelInput } = await inference.prepare(bytes, { priority: 'background' });
    return { contentHash, modelInput };
  } catch (error) {
    return { file: image.name, reason: reasonToSkip(error, originalFile(root, image.location)) };
  }
}

/**
 * The model input of a picture that the catalog holds, from its original.
 *
 * @throws PatchwordError where the original cannot be read, or is not what was indexed; `reasonToSkip` tells those from others
 */
export async function prepareStored(options: {
  inference: Inference;
  image: Original & { contentHash: string };
  signal: AbortSignal | undefined;
}): Promise<ModelInput> {
  const { inference, image, signal } = options;
  const { bytes, contentHash } = await readPicture(image.root, image);
  if (contentHash !== image.contentHash) {
    throw new PatchwordError('IMAGE_UNREADABLE', 'it has changed since it was indexed');
  }
  return (await inference.prepare(bytes, { priority: 'background', signal })).modelInput;
}

/** Why one picture cannot be used. @throws what is no fault of the picture */
export function reasonToSkip(error: unknown, file: string): string {
  const explained = explainSystemError(error, file);
  if (!(explained instanceof PatchwordError && IMAGE_FAILURES.includes(explained.code))) throw explained;
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
