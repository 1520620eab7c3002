import { lstat, opendir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { explainReading, messageOf, PatchwordError } from '../../src/errors.js';
import { resolveExcept } from './exception.js';
import { type OpeningOptions, type Reader, refuseOptions, type SkippedImage, type SourceImage } from './reader.js';
import { readSidecars, SIDECAR_EXTENSIONS } from './sidecar.js';

/** Files that are taken for pictures. What is not one after all, or of a kind that is not read, is said of each. */
export const IMAGE_EXTENSIONS: readonly string[] = [
  ...['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif'],
  ...['.heic', '.heif', '.svg'],
];

/** Up to how many pictures are counted before the first is read. */
const COUNTED = 200_000;

/** A picture, and the files beside it that say something of it; relative to the root. */
interface FoundImage {
  name: string;
  sidecars: string[];
}

/** Where a walk leads: below a root, but not into some folders. All absolute, links resolved. */
interface Ground {
  root: string;
  except: readonly string[];
}

/** What one folder holds, by name. */
interface Listing {
  folders: Set<string>;
  pictures: string[];
  /** By name with a lower-case extension, which is how they are looked for. */
  sidecars: Map<string, string>;
}

/**
 * A folder of pictures, with those below it, in the order of their names. The captions of `fox.jpg` are the lines of
 * `fox.txt` beside it and those that `fox.json` has; a picture without is read without. Hidden files, and files of other
 * kinds, are ignored; links to folders are not followed.
 *
 * @throws PatchwordError FILE_NOT_FOUND; SOURCE_INVALID where there is no picture at all
 */
export async function readFolder(options: OpeningOptions & { path: string }): Promise<Reader> {
  const { path: given, images, columns } = options;
  refuseOptions('folder', { images, columns });
  const root = await realpath(given);
  const begin = async () => walk({ root, except: await resolveExcept(options.except) }, '');
  const count = await countUpTo(COUNTED, await begin());
  if (count === 0) {
    throw new PatchwordError('SOURCE_INVALID', `${root} holds no pictures (${IMAGE_EXTENSIONS.join(', ')}).`, {
      hint: 'Name a folder of pictures, or a file that lists them.',
    });
  }
  return {
    format: 'folder',
    path: root,
    root,
    total: count,
    async *entries() {
      for await (const found of await begin()) yield 'reason' in found ? found : await readImage(root, found);
    },
  };
}

/** How many items there are; null where there are more than the limit. */
async function countUpTo(limit: number, items: AsyncGenerator): Promise<number | null> {
  let count = 0;
  while (count <= limit && !(await items.next()).done) count += 1;
  await items.return(undefined);
  return count > limit ? null : count;
}

async function* walk(ground: Ground, folder: string): AsyncGenerator<FoundImage | SkippedImage> {
  const { root } = ground;
  const listing = await list(ground, folder);
  if ('reason' in listing) {
    yield { file: `${folder}/`, reason: listing.reason };
    return;
  }
  const { folders, pictures, sidecars } = listing;
  for (const entry of [...folders, ...pictures].sort()) {
    const name = path.posix.join(folder, entry);
    if (await isMangled(root, name)) yield { file: name, reason: 'its name is not UTF-8; rename it' };
    else if (folders.has(entry)) yield* walk(ground, name);
    else {
      const { name: stem } = path.parse(name);
      const beside = SIDECAR_EXTENSIONS.flatMap((extension) => sidecars.get(stem + extension) ?? []);
      yield { name, sidecars: beside.map((file) => path.posix.join(folder, file)) };
    }
  }
}

/** Names alone are kept: a folder may hold millions. */
async function list({ root, except }: Ground, folder: string): Promise<Listing | { reason: string }> {
  const listing: Listing = { folders: new Set(), pictures: [], sidecars: new Map() };
  const absolute = path.join(root, folder);
  try {
    for await (const entry of await opendir(absolute, { bufferSize: 1024 })) {
      const { name } = entry;
      const extension = path.extname(name).toLowerCase();
      if (name.startsWith('.')) continue;
      if (entry.isDirectory()) {
        if (!except.includes(path.join(absolute, name))) listing.folders.add(name);
      } else if (IMAGE_EXTENSIONS.includes(extension)) listing.pictures.push(name);
      else if ((SIDECAR_EXTENSIONS as readonly string[]).includes(extension)) {
        const looked = path.parse(name).name + extension;
        if (looked === name || !listing.sidecars.has(looked)) listing.sidecars.set(looked, name);
      }
    }
  } catch (error) {
    const explained = explainReading(error, absolute);
    if (folder === '') throw explained;
    return { reason: messageOf(explained) };
  }
  return listing;
}

/** A name that is not UTF-8 comes with U+FFFD for what is not, and nothing is there by that name. */
async function isMangled(root: string, name: string): Promise<boolean> {
  if (!name.includes('\uFFFD')) return false;
  return lstat(path.join(root, name)).then(
    () => false,
    () => true,
  );
}

async function readImage(root: string, { name, sidecars }: FoundImage): Promise<SourceImage | SkippedImage> {
  const labels = await readSidecars({ root, names: sidecars });
  return 'reason' in labels ? { file: name, ...labels } : { name, location: { file: name }, ...labels };
}
