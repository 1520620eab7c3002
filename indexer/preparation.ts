import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { type ErrorCode, explainSystemError, messageOf, PatchwordError } from '../src/errors.js';
import type { Inference, PreparedImage } from '../src/inference/inference.js';
import { type ImageLocation, originalFile } from '../src/original.js';
import type { Store } from '../src/store/store.js';
import { IMAGE_LIMITS, type ModelInput } from '../src/vilt/image.js';
import { readSource } from '../src/vilt/source.js';
import type { SkippedImage, SourceImage } from './readers/reader.js';

/** One picture, decoded and resized as the model sees it. */
export interface Prepared extends PreparedImage {
  image: SourceImage;
  contentHash: string;
  bytes: number;
  modified: number;
  /** The collection held it already, with other content or captions. */
  known: boolean;
}

/** What the catalog holds of a picture. */
export interface Known {
  searchable: boolean;
  contentHash: string;
  bytes: number;
  modified: number;
  labelsHash: string;
}

type Status = Pick<Stats, 'size' | 'mtimeMs'>;

const SCAN_PAGE = 500;

/** Failures of one picture, which never stop the rest. */
const IMAGE_FAILURES: readonly ErrorCode[] = ['IMAGE_UNREADABLE', 'IMAGE_TOO_LARGE', 'FILE_NOT_FOUND', 'READ_ONLY'];

/** The pictures of one source that the catalog holds, by name. */
export async function scanKnown(store: Store, sourceId: number): Promise<Map<string, Known>> {
  const known = new Map<string, Known>();
  for (let after = 0; ;) {
    const page = await store.scanFiles({ sourceId, after, limit: SCAN_PAGE });
    for (const { file, contentHash, bytes, modified, captions, split, searchable } of page) {
      known.set(file, { searchable, contentHash, bytes, modified, labelsHash: hashLabels({ captions, split }) });
    }
    const last = page.at(-1);
    if (last === undefined || page.length < SCAN_PAGE) return known;
    after = last.fileId;
  }
}

/**
 * Reads and decodes one picture, unless the catalog holds it as it is: of the same size and modification time, or else
 * of the same content. A picture that cannot be used is skipped with the reason.
 */
export async function prepareImage(options: {
  inference: Inference;
  root: string;
  image: SourceImage;
  known: Known | undefined;
  signal: AbortSignal | undefined;
}): Promise<Prepared | SkippedImage | 'unchanged'> {
  const { inference, root, image, known, signal } = options;
  try {
    const file = originalFile(root, image.location);
    const status = await statBelow(root, file);
    if (looksUnchanged(image, status, known)) return 'unchanged';

    const { bytes, contentHash } = await readPicture(file);
    if (known?.searchable && known.contentHash === contentHash && hasSameLabels(image, known)) return 'unchanged';

    const prepared = await inference.prepare(bytes, { priority: 'background', signal });
    const modified = modifiedAt(status);
    return { ...prepared, image, contentHash, bytes: bytes.length, modified, known: known !== undefined };
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
  image: { root: string; location: ImageLocation; contentHash: string };
  signal: AbortSignal | undefined;
}): Promise<ModelInput> {
  const { inference, image, signal } = options;
  const file = originalFile(image.root, image.location);
  await statBelow(image.root, file);
  const { bytes, contentHash } = await readPicture(file);
  if (contentHash !== image.contentHash) {
    throw new PatchwordError('IMAGE_UNREADABLE', 'it has changed since it was indexed');
  }
  return (await inference.prepare(bytes, { priority: 'background', signal })).modelInput;
}

async function readPicture(file: string): Promise<{ bytes: Uint8Array; contentHash: string }> {
  const { bytes } = await readSource(file, IMAGE_LIMITS);
  return { bytes, contentHash: createHash('sha256').update(bytes).digest('hex') };
}

/** Why one picture cannot be used. @throws what is no fault of the picture */
export function reasonToSkip(error: unknown, file: string): string {
  const explained = explainSystemError(error, file);
  if (explained instanceof PatchwordError && IMAGE_FAILURES.includes(explained.code)) return messageOf(explained);
  throw explained;
}

/** Whether the catalog holds a picture as it is, as far as its captions, split, size and time tell. */
export function looksUnchanged(image: SourceImage, status: Status, known: Known | undefined): boolean {
  if (!known?.searchable || known.bytes !== status.size || known.modified !== modifiedAt(status)) return false;
  return hasSameLabels(image, known);
}

/** Whether the catalog holds the captions and the split that a source says. */
export function hasSameLabels(image: SourceImage, known: Known): boolean {
  return known.labelsHash === hashLabels(image);
}

function modifiedAt({ mtimeMs }: Status): number {
  return Math.round(mtimeMs);
}

/** A picture must stay below the root when its links are followed. */
async function statBelow(root: string, file: string): Promise<Status> {
  const real = await realpath(file);
  if (!real.startsWith(root.endsWith(path.sep) ? root : root + path.sep)) {
    throw new PatchwordError('IMAGE_UNREADABLE', `it is a link that leaves ${root}`);
  }
  return stat(real);
}

function hashLabels({ captions, split }: { captions: string[]; split: string | null }): string {
  return createHash('sha256')
    .update(JSON.stringify([split, captions]))
    .digest('base64');
}
