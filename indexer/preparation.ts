import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { type ErrorCode, explainSystemError, messageOf, PatchwordError } from '../src/errors.js';
import type { Inference, PreparedImage } from '../src/inference/inference.js';
import type { Store } from '../src/store/store.js';
import { IMAGE_LIMITS } from '../src/vilt/image.js';
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
export async function scanKnown(store: Store, root: string): Promise<Map<string, Known>> {
  const known = new Map<string, Known>();
  for (let after = 0; ;) {
    const page = await store.scan({ root, after, limit: SCAN_PAGE });
    for (const { file, contentHash, bytes, modified, captions, split } of page) {
      known.set(file, { contentHash, bytes, modified, labelsHash: hashLabels({ captions, split }) });
    }
    const last = page.at(-1);
    if (last === undefined || page.length < SCAN_PAGE) return known;
    after = last.imageId;
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
    const status = await statBelow(root, image.file);
    if (looksUnchanged(image, status, known)) return 'unchanged';

    const { bytes } = await readSource(image.file, IMAGE_LIMITS);
    const contentHash = createHash('sha256').update(bytes).digest('hex');
    if (known?.contentHash === contentHash && known.labelsHash === hashLabels(image)) return 'unchanged';

    const prepared = await inference.prepare(bytes, { priority: 'background', signal });
    const modified = modifiedAt(status);
    return { ...prepared, image, contentHash, bytes: bytes.length, modified, known: known !== undefined };
  } catch (error) {
    const explained = explainSystemError(error, image.file);
    if (explained instanceof PatchwordError && IMAGE_FAILURES.includes(explained.code)) {
      return { file: image.name, reason: messageOf(explained) };
    }
    throw explained;
  }
}

/** Whether the catalog holds a picture as it is, as far as its captions, split, size and time tell. */
export function looksUnchanged(image: SourceImage, status: Status, known: Known | undefined): boolean {
  if (known?.bytes !== status.size || known.modified !== modifiedAt(status)) return false;
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
