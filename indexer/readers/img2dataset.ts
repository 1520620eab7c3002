import { open, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { explainReading, messageOf, PatchwordError } from '../../src/errors.js';
import { readFolder } from './folder.js';
import { parseJson } from './json.js';
import { readRows } from './parquet.js';
import {
  isSkipped,
  type OpeningOptions,
  type Reader,
  refuseOptions,
  type SkippedImage,
  type SourceImage,
} from './reader.js';
import { isFileBelow, noteTime } from './shards.js';
import { readSamples } from './tarsample.js';

/** What there is of one shard: it lies in an archive, in a folder, or in a table; which also stands beside the others. */
interface Shard {
  archive?: string;
  folder?: string;
  table?: string;
  stats?: string;
}

/** What img2dataset counted in one shard. */
interface Stats {
  count: number;
  successes: number;
}

const TABLE_NAME = /^\d+\.parquet$/;

const MAX_STATS_BYTES = 1_000_000;

/**
 * The output folder of img2dataset in any of its layouts, shard by shard: `00000.tar`; `00000/000000012.jpg` with `.txt` and
 * `.json`; or `00000.parquet` with the pictures in it. What could not be downloaded is passed over. Takes the folder, or the
 * table of one shard, which is there in every layout.
 *
 * @throws PatchwordError FILE_NOT_FOUND, INVALID_ARGUMENT; SOURCE_INVALID where there is no shard
 */
export async function readImg2dataset(options: OpeningOptions & { path: string }): Promise<Reader> {
  const { images, columns, except } = options;
  refuseOptions('img2dataset', { images, columns });
  const absolute = path.resolve(options.path);
  try {
    const { root, shards, skipped } = await findShards(absolute);
    if (shards.length === 0) {
      throw new PatchwordError('SOURCE_INVALID', `${absolute} holds no shard of img2dataset.`, {
        hint: 'Name its output folder, which holds 00000.tar, 00000.parquet or 00000/, and 00000_stats.json.',
      });
    }
    return await openOutput({ path: absolute, root, shards, skipped, except });
  } catch (error) {
    throw explainReading(error, absolute);
  }
}

/** Whether a folder has shards with img2dataset's counts beside them, or a file is the table of such a shard. */
export async function looksLikeImg2dataset(source: string): Promise<boolean> {
  const { root, shards } = await findShards(source);
  const counted = shards.find((shard) => shard.stats !== undefined);
  return counted !== undefined && (await readStats(root, counted)) !== null;
}

/** Those of a folder, or the one that a table is of. */
async function findShards(source: string): Promise<{ root: string; shards: Shard[]; skipped: SkippedImage[] }> {
  const real = await realpath(source);
  if (!(await stat(real)).isFile()) return { root: real, ...(await listShards(real)) };
  const root = path.dirname(real);
  const isTable = TABLE_NAME.test(path.basename(real));
  const { shards } = isTable ? await listShards(root) : { shards: [] };
  return { root, shards: shards.filter(({ table }) => table === path.basename(real)), skipped: [] };
}

async function openOutput(source: {
  path: string;
  root: string;
  shards: Shard[];
  skipped: SkippedImage[];
  except: readonly string[] | undefined;
}): Promise<Reader> {
  const { root, shards, skipped, except } = source;
  let total: number | null = skipped.length;
  let failed = 0;
  for (const shard of shards) {
    const stats = await readStats(root, shard);
    total = stats && total !== null ? total + stats.successes : null;
    failed += stats ? stats.count - stats.successes : 0;
  }
  const listed = new Map<string, number>();
  return {
    format: 'img2dataset',
    path: source.path,
    root,
    total,
    listed,
    passedOver: failed,
    async *entries() {
      yield* skipped;
      for (const shard of shards) {
        await noteTime(listed, root, fileOf(shard));
        yield* readShard({ root, except }, shard);
      }
    },
  };
}

/** In the order of their names. A shard that says nothing but its counts was not written yet. */
async function listShards(root: string): Promise<{ shards: Shard[]; skipped: SkippedImage[] }> {
  const found = new Map<string, Shard>();
  const skipped: SkippedImage[] = [];
  for (const entry of await readdir(root, { withFileTypes: true })) {
    const [, id, rest] = /^(\d+)(|\.tar|\.parquet|_stats\.json)$/.exec(entry.name) ?? [];
    if (id === undefined) continue;
    if (rest === '' ? entry.isDirectory() : await isFileBelow(root, entry.name)) {
      const part = { '': 'folder', '.tar': 'archive', '.parquet': 'table', '_stats.json': 'stats' }[
        rest
      ] as keyof Shard;
      found.set(id, { ...found.get(id), [part]: entry.name });
    } else if (rest === '.tar' || rest === '.parquet') {
      skipped.push({ file: entry.name, reason: `it is no plain file below ${root}` });
    }
  }
  const written = [...found].filter(([, { archive, folder, table }]) => archive ?? folder ?? table);
  return { shards: written.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, shard]) => shard), skipped };
}

/** What a shard is read from. */
function fileOf({ archive, folder, table }: Shard): string {
  return (archive ?? folder ?? table)!;
}

async function* readShard(
  { root, except }: { root: string; except: readonly string[] | undefined },
  shard: Shard,
): AsyncGenerator<SourceImage | SkippedImage> {
  const { archive, folder } = shard;
  const file = fileOf(shard);
  try {
    if (archive !== undefined) yield* readSamples(root, archive);
    else if (folder !== undefined) yield* readFiles(folder, { root, except });
    else yield* readRows(root, { file, columns: {} });
  } catch (error) {
    const explained = explainReading(error, path.join(root, file));
    if (!(explained instanceof PatchwordError)) throw explained;
    yield { file, reason: messageOf(explained) };
  }
}

async function* readFiles(
  folder: string,
  { root, except }: { root: string; except: readonly string[] | undefined },
): AsyncGenerator<SourceImage | SkippedImage> {
  const reader = await readFolder({ path: path.join(root, folder), except }).catch((error: unknown) => {
    // Of this shard, nothing could be downloaded.
    if (error instanceof PatchwordError && error.code === 'SOURCE_INVALID') return null;
    throw error;
  });
  if (reader === null) return;
  for await (const entry of reader.entries()) {
    if (isSkipped(entry)) yield { ...entry, file: `${folder}/${entry.file}` };
    else {
      const name = `${folder}/${entry.name}`;
      yield { ...entry, name, location: { file: name } };
    }
  }
}

async function readStats(root: string, { stats }: Shard): Promise<Stats | null> {
  if (stats === undefined) return null;
  const handle = await open(path.join(root, stats));
  try {
    if ((await handle.stat()).size > MAX_STATS_BYTES) return null;
    const parsed = parseJson(await handle.readFile('utf8'));
    const { count, successes } = (('value' in parsed && parsed.value) || {}) as Partial<Stats>;
    const isSound =
      [count, successes].every((value) => Number.isSafeInteger(value) && value! >= 0) && successes! <= count!;
    return isSound ? { count: count!, successes: successes! } : null;
  } finally {
    await handle.close();
  }
}
