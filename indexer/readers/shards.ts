import { opendir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { explainSystemError, messageOf, PatchwordError } from '../../src/errors.js';
import { resolveExcept } from './exception.js';
import { IMAGE_EXTENSIONS } from './folder.js';
import { type Format, FORMATS, type Reader, type SkippedImage, type SourceImage } from './reader.js';

/** The files that a source is made of. */
export interface Shards {
  /** Absolute path of what was opened. */
  path: string;
  /** Absolute folder, links resolved, that all of them are below. */
  root: string;
  /** Below the root, forward slashes, in the order of their names. */
  files: string[];
  /** Links that lead out of the root, and folders that cannot be read. */
  skipped: SkippedImage[];
}

/** How many entries of a folder are looked at to tell its format. */
const ENTRIES_LOOKED_AT = 10_000;

/**
 * The one file that is named, or the files of a folder, and of those below it, whose names match. Hidden ones are ignored, and
 * what is below the folders that are excepted.
 *
 * @throws PatchwordError FILE_NOT_FOUND; SOURCE_INVALID where there is none
 */
export async function findShards(options: {
  path: string;
  names: RegExp;
  format: Format;
  except: readonly string[] | undefined;
}): Promise<Shards> {
  const { names, format } = options;
  const absolute = path.resolve(options.path);
  try {
    const real = await realpath(absolute);
    if ((await stat(real)).isFile()) {
      return { path: absolute, root: path.dirname(real), files: [path.basename(real)], skipped: [] };
    }
    const shards: Shards = { path: absolute, root: real, files: [], skipped: [] };
    const except = await resolveExcept(options.except);
    for await (const entry of walk({ root: real, except }, '')) {
      if ('reason' in entry) {
        shards.skipped.push(entry);
        continue;
      }
      const { name, isLink } = entry;
      if (!names.test(name)) continue;
      if (!isLink || (await isFileBelow(real, name))) shards.files.push(name);
      else shards.skipped.push({ file: name, reason: `it is a link that leaves ${real}` });
    }
    shards.files.sort();
    if (shards.files.length > 0) return shards;
  } catch (error) {
    throw explainSystemError(error, absolute);
  }
  throw new PatchwordError('SOURCE_INVALID', `${absolute} holds no file that is taken for ${FORMATS[format]}.`, {
    hint: 'Name the file itself, or a folder of real files: links must not lead out of it.',
  });
}

/**
 * What a reader of shards has of one. Shards that cannot be read are entries with their reason.
 *
 * @param options.survey how many entries a shard has, null where only reading it would tell; throws where it is of no use
 * @throws PatchwordError what `survey` throws, where no shard is of any use
 */
export async function openShards(
  { path: source, root, files, skipped }: Shards,
  options: {
    survey: (file: string) => Promise<number | null>;
    read: (file: string) => AsyncGenerator<SourceImage | SkippedImage>;
  },
): Promise<Pick<Reader, 'path' | 'root' | 'total' | 'listed' | 'entries'>> {
  const useless = new Map<string, PatchwordError>();
  const count = async (file: string) =>
    options.survey(file).catch((error: unknown) => {
      if (!(error instanceof PatchwordError)) throw error;
      useless.set(file, error);
      return 1;
    });
  let total: number | null = skipped.length;
  for (const file of files) {
    const entries = await count(file);
    total = total === null || entries === null ? null : total + entries;
  }
  if (useless.size === files.length) throw useless.get(files[0])!;
  const listed = new Map<string, number>();
  return {
    path: source,
    root,
    total,
    listed,
    async *entries() {
      yield* skipped;
      for (const file of files) {
        try {
          if (useless.has(file)) throw useless.get(file)!;
          await noteTime(listed, root, file);
          yield* options.read(file);
        } catch (error) {
          if (!(error instanceof PatchwordError)) throw error;
          yield { file, reason: messageOf(error) };
        }
      }
    },
  };
}

/** Fills `Reader.listed`. What is not there is reported by whoever reads it. */
export async function noteTime(listed: Map<string, number>, root: string, file: string): Promise<void> {
  const status = await stat(path.join(root, file)).catch(() => null);
  if (status) listed.set(file, Math.round(status.mtimeMs));
}

/**
 * The first file that a source of shards would have, to tell the format by what it holds: the one that is named, or that of a
 * folder in which such files lie without pictures beside them. Null where there is none.
 */
export async function firstShard(
  source: string,
  { names, except: excepted }: { names: RegExp; except: readonly string[] | undefined },
): Promise<string | null> {
  if ((await stat(source)).isFile()) return source;
  const root = await realpath(source);
  const except = await resolveExcept(excepted);
  const found: string[] = [];
  let looked = 0;
  for await (const entry of walk({ root, except }, '')) {
    if ('reason' in entry) continue;
    const { name } = entry;
    if (IMAGE_EXTENSIONS.some((extension) => name.toLowerCase().endsWith(extension))) return null;
    if (names.test(name)) found.push(name);
    if ((looked += 1) >= ENTRIES_LOOKED_AT) break;
  }
  for (const name of found.sort()) if (await isFileBelow(root, name)) return path.join(source, name);
  return null;
}

/** Files and links, with those of the folders below, unless they cannot be read. Links to folders are not followed. */
async function* walk(
  ground: { root: string; except: readonly string[] },
  folder: string,
): AsyncGenerator<{ name: string; isLink: boolean } | SkippedImage> {
  const { root, except } = ground;
  const absolute = path.join(root, folder);
  try {
    for await (const entry of await opendir(absolute)) {
      if (entry.name.startsWith('.')) continue;
      const name = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!except.includes(path.join(root, name))) yield* walk(ground, name);
      } else if (entry.isFile() || entry.isSymbolicLink()) yield { name, isLink: entry.isSymbolicLink() };
    }
  } catch (error) {
    const explained = explainSystemError(error, absolute);
    if (folder === '') throw explained;
    yield { file: `${folder}/`, reason: messageOf(explained) };
  }
}

/** Whether a name is that of a plain file, links followed, that is below the root. @param root links resolved */
export async function isFileBelow(root: string, name: string): Promise<boolean> {
  const real = await realpath(path.join(root, name)).catch(() => null);
  return real !== null && real.startsWith(path.join(root, path.sep)) && (await stat(real)).isFile();
}
