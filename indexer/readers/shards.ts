import { opendir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { explainReading, messageOf, PatchwordError } from '../../src/errors.js';
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

/** And into how many of its shards, where the first are of no use. */
const SHARDS_LOOKED_INTO = 16;

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
    throw explainReading(error, absolute);
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
      const explained = explainReading(error, path.join(root, file));
      if (!(explained instanceof PatchwordError)) throw explained;
      useless.set(file, explained);
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
          const explained = explainReading(error, path.join(root, file));
          if (!(explained instanceof PatchwordError)) throw explained;
          yield { file, reason: messageOf(explained) };
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
 * Whether a source of shards is of a format, told by what the first of them holds that can be read: the file that is named, or those of
 * a folder in which such files lie without pictures beside them. One that is empty, cut or of something else decides nothing.
 *
 * @param fits throws SOURCE_INVALID or FILE_NOT_FOUND, or is false, where a file is not of the format
 * @throws PatchwordError FILE_NOT_FOUND where the one file that is named cannot be read
 */
export async function hasShard(
  source: string,
  { names, except: excepted, fits }: ShardTest & { except: readonly string[] | undefined },
): Promise<boolean> {
  if ((await stat(source)).isFile()) return fits(source).catch(falseIfInvalid);
  const root = await realpath(source);
  const except = await resolveExcept(excepted);
  const found: string[] = [];
  let looked = 0;
  for await (const entry of walk({ root, except }, '')) {
    if ('reason' in entry) continue;
    const { name } = entry;
    if (IMAGE_EXTENSIONS.some((extension) => name.toLowerCase().endsWith(extension))) return false;
    if (names.test(name)) found.push(name);
    if ((looked += 1) >= ENTRIES_LOOKED_AT) break;
  }
  for (const name of found.sort().slice(0, SHARDS_LOOKED_INTO)) {
    if ((await isFileBelow(root, name)) && (await fits(path.join(source, name)).catch(falseIfUnreadable))) return true;
  }
  return false;
}

export interface ShardTest {
  names: RegExp;
  fits: (file: string) => Promise<boolean>;
}

function falseIfInvalid(error: unknown): false {
  if (error instanceof PatchwordError && error.code === 'SOURCE_INVALID') return false;
  throw error;
}

function falseIfUnreadable(error: unknown): false {
  const explained = explainReading(error, '');
  return explained instanceof PatchwordError && explained.code === 'FILE_NOT_FOUND' ? false : falseIfInvalid(explained);
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
    const explained = explainReading(error, absolute);
    if (folder === '') throw explained;
    yield { file: `${folder}/`, reason: messageOf(explained) };
  }
}

/** Whether a name is that of a plain file, links followed, that is below the root. @param root links resolved */
export async function isFileBelow(root: string, name: string): Promise<boolean> {
  const real = await realpath(path.join(root, name)).catch(() => null);
  return real !== null && real.startsWith(path.join(root, path.sep)) && (await stat(real)).isFile();
}
