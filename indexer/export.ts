import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { withDraft } from '../src/draft.js';
import { PatchwordError } from '../src/errors.js';
import type { Filter } from '../src/filter.js';
import { makeFolder, syncFolder, syncPath } from '../src/folder.js';
import { hashContent, readOriginal, statOriginal } from '../src/original.js';
import type { Store, StoredImage } from '../src/store/store.js';
import { IMAGE_LIMITS } from '../src/vilt/image.js';
import { mapAhead } from './lookahead.js';
import { captionParts, DatasetWriter, exportedEntry, exportedName, PICTURES } from './dataset.js';
import { reasonToSkip } from './preparation.js';
import type { Progress } from './progress.js';
import type { SkippedImage } from './readers/reader.js';
import { TarWriter } from './tar.js';

export interface ExportOptions {
  store: Store;
  /** A folder that is not there or empty, or a `.tar` file that is not there. */
  out: string;
  /** Which images; default: all. */
  filter?: Filter;
  /** Goes on without the images whose originals are gone. */
  allowMissing?: boolean;
  onProgress?: (progress: Progress) => void;
  /** Aborting leaves nothing behind. */
  signal?: AbortSignal;
}

export interface ExportResult {
  images: number;
  captions: number;
  /** Of the pictures as they were written. */
  bytes: number;
  /** Images that were left out, by absolute path, with the reason. */
  missing: SkippedImage[];
  seconds: number;
}

const PAGE = 200;

/** Originals that are read ahead of the one that is written; each may be as large as IMAGE_LIMITS has it. */
const READING = { concurrency: 2, ahead: 3 };

/** How many of the images whose originals are gone a refusal names. */
const NAMED = 5;

/** Where exported files go. */
interface Destination {
  add(picture: { name: string; bytes: Uint8Array; modified: number }): Promise<void>;
  /** Adds dataset.json, the last of all, and lets go. */
  finish(dataset: string): Promise<void>;
  abandon(): Promise<void>;
}

/**
 * Writes a collection in Karpathy's layout, which `patchword index` and `patchword collection import` read: `dataset.json`
 * and the originals in `images/`, as a folder or as one tar file. It is there whole or not at all. An image that lies in
 * several files is written once, with the captions of all and what its first file says else; again only where it has more
 * captions than are read of one file.
 *
 * @throws PatchwordError FILE_NOT_FOUND where originals are gone or changed, unless `allowMissing`; INVALID_ARGUMENT where the
 * target is taken, or the filter is none; DISK_FULL, READ_ONLY, CANCELLED
 */
export async function exportCollection(options: ExportOptions): Promise<ExportResult> {
  const { store, out, filter, allowMissing = false, onProgress, signal } = options;
  const started = performance.now();
  const asTar = /\.tar$/i.test(out);
  const total = await store.count(filter);
  return withDraft({ target: out, emptyFolder: !asTar }, async ({ place, scratch }) => {
    if (!allowMissing) refuse(await findMissing(options), total);
    const dataset = path.join(scratch, 'dataset.json');
    const { name: collection, model } = await store.info();
    const list = await DatasetWriter.begin(dataset, collection);
    const destination = asTar ? tarDestination(place) : folderDestination(place);
    const result: ExportResult = { images: 0, captions: 0, bytes: 0, missing: [], seconds: 0 };
    try {
      onProgress?.({ done: 0, total });
      for await (const { image, ...original } of mapAhead(scan(store, filter), READING, readImage)) {
        if (signal?.aborted) throw new PatchwordError('CANCELLED', 'Stopped; nothing was written.');
        if ('missing' in original) {
          result.missing.push(original.missing);
          if (!allowMissing) refuse(result.missing, total);
        } else {
          const { bytes } = original;
          for (const [at, captions] of captionParts(image, model).entries()) {
            const name = exportedName({ ...image, part: at + 1 }, bytes);
            await destination.add({ name: `${PICTURES}/${name}`, bytes, modified: image.modified });
            await list.add(exportedEntry({ ...image, captions }, name));
            result.bytes += bytes.length;
          }
          result.images += 1;
          result.captions += image.captions.length;
        }
        onProgress?.({ done: result.images + result.missing.length, total });
      }
      await list.finish();
      await destination.finish(dataset);
    } finally {
      await list.close();
      await destination.abandon();
    }
    result.seconds = (performance.now() - started) / 1000;
    return result;
  });
}

async function* scan(store: Store, filter: Filter | undefined): AsyncGenerator<StoredImage> {
  for (let after = 0; ;) {
    const page = await store.scan({ after, limit: PAGE, filter });
    yield* page;
    const last = page.at(-1);
    // A page may be short because images went while the filter looked.
    if (last === undefined) return;
    after = last.imageId;
  }
}

/** Looks for all originals without reading them, so that a disk that is not connected is noticed before anything is written. */
async function findMissing({ store, filter, signal }: ExportOptions): Promise<SkippedImage[]> {
  const missing: SkippedImage[] = [];
  const look = mapAhead(scan(store, filter), { concurrency: 8, ahead: 32 }, async (image) => {
    try {
      await statOriginal(image);
      return null;
    } catch (error) {
      return describeMissing(image, error);
    }
  });
  for await (const found of look) {
    if (signal?.aborted) throw new PatchwordError('CANCELLED', 'Stopped; nothing was written.');
    if (found) missing.push(found);
  }
  return missing;
}

async function readImage(
  image: StoredImage,
): Promise<{ image: StoredImage } & ({ bytes: Uint8Array } | { missing: SkippedImage })> {
  try {
    const bytes = await readOriginal(image, IMAGE_LIMITS);
    if (hashContent(bytes) === image.contentHash) return { image, bytes };
    throw new PatchwordError('IMAGE_UNREADABLE', 'it has changed since it was indexed');
  } catch (error) {
    return { image, missing: describeMissing(image, error) };
  }
}

function describeMissing({ root, file }: StoredImage, error: unknown): SkippedImage {
  const absolute = path.join(root, file);
  return { file: absolute, reason: reasonToSkip(error, absolute) };
}

function refuse(missing: SkippedImage[], total: number): void {
  if (missing.length === 0) return;
  const named = missing.slice(0, NAMED).map(({ file, reason }) => `${file} (${reason.replace(/\.$/, '')})`);
  const more = missing.length > NAMED ? `, and ${missing.length - NAMED} more` : '';
  throw new PatchwordError(
    'FILE_NOT_FOUND',
    `${missing.length} of ${total} pictures are no longer what was indexed: ${named.join(', ')}${more}.`,
    {
      hint: 'Index their source again, put them back, or add --allow-missing to leave them out; --json then names them all.',
    },
  );
}

function folderDestination(folder: string): Destination {
  makeFolder(path.join(folder, PICTURES));
  return {
    add: ({ name, bytes }) => writeFile(path.join(folder, name), bytes, { flag: 'wx', flush: true }),
    async finish(dataset) {
      syncPath(dataset);
      await rename(dataset, path.join(folder, 'dataset.json'));
      syncFolder(path.join(folder, PICTURES));
    },
    abandon: () => Promise.resolve(),
  };
}

function tarDestination(file: string): Destination {
  const tar = new TarWriter(file);
  return {
    add: (picture) => tar.add(picture),
    async finish(dataset) {
      await tar.addFile({ name: 'dataset.json', file: dataset });
      await tar.finish();
    },
    abandon: () => tar.abandon(),
  };
}
