import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { explainReading, PatchwordError } from '../../src/errors.js';
import { looksLikeAlbef, readAlbef } from './albef.js';
import { looksLikeArrow, readArrow } from './arrow.js';
import { refuseUtf16 } from './chunk.js';
import { looksLikeCoco, readCoco } from './coco.js';
import { looksLikeCsv, readCsv } from './csv.js';
import { looksLikeFlickr30k, readFlickr30k } from './flickr30k.js';
import { looksLikeFlickr8k, readFlickr8k } from './flickr8k.js';
import { readFolder } from './folder.js';
import { looksLikeImg2dataset, readImg2dataset } from './img2dataset.js';
import { looksLikeJsonl, readJsonl } from './jsonl.js';
import { looksLikeKarpathy, readKarpathy } from './karpathy.js';
import { looksLikeParquet, readParquet } from './parquet.js';
import { type Format, FORMATS, type OpeningOptions, type Reader } from './reader.js';
import { looksLikeToken, readToken } from './token.js';
import { looksLikeTsv, readTsv } from './tsv.js';
import { looksLikeWebdataset, packingOf, readWebdataset } from './webdataset.js';

interface FormatReader {
  /** Whether a file or folder is of the format, by what it holds. */
  looksLike(path: string, except?: readonly string[]): Promise<boolean>;
  /**
   * What the one file of such a source is usually called: how it is found in a folder that holds it beside its pictures, and
   * taken for what it is called where it is broken. Without, the reader is given what the user named, file or folder.
   */
  names?: RegExp;
  /** The folder that such files are published in, beside the folders of the pictures. */
  folder?: string;
  open(options: Omit<OpeningOptions, 'format'> & { path: string }): Promise<Reader>;
}

/** In the order in which they are tried. */
const READERS: Partial<Record<Format, FormatReader>> = {
  img2dataset: { looksLike: looksLikeImg2dataset, open: readImg2dataset },
  webdataset: { looksLike: looksLikeWebdataset, open: readWebdataset },
  arrow: { looksLike: looksLikeArrow, open: readArrow },
  parquet: { looksLike: looksLikeParquet, open: readParquet },
  karpathy: { looksLike: looksLikeKarpathy, names: /^dataset.*\.json$/i, open: readKarpathy },
  coco: { looksLike: looksLikeCoco, names: /^captions_.*\.json$/i, folder: 'annotations', open: readCoco },
  albef: { looksLike: looksLikeAlbef, names: /_(train|val|test)\.json$/i, open: readAlbef },
  // Flickr8k has its captions a second time, as lemmas.
  token: {
    looksLike: looksLikeToken,
    names: /^(?!.*lemma).*\.token(\.txt)?$/i,
    folder: 'Flickr8k_text',
    open: readToken,
  },
  flickr30k: { looksLike: looksLikeFlickr30k, names: /^results.*\.csv$/i, open: readFlickr30k },
  flickr8k: { looksLike: looksLikeFlickr8k, names: /^captions\.txt$/i, open: readFlickr8k },
  jsonl: { looksLike: looksLikeJsonl, names: /\.(jsonl|ndjson)$/i, open: readJsonl },
  // Flickr30k is also about as a captions.txt whose columns are those of its results.csv.
  csv: { looksLike: looksLikeCsv, names: /\.csv$|^captions\.txt$/i, open: readCsv },
  tsv: { looksLike: looksLikeTsv, names: /\.(tsv|tab)$/i, open: readTsv },
  folder: { looksLike: isFolder, open: readFolder },
};

const FORMAT_NAMES = Object.keys(READERS) as Format[];

/**
 * The reader for a source: a file or folder of a format that is told by what it holds, or that `format` says; or a folder
 * that holds one such file beside its pictures.
 *
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID, INVALID_ARGUMENT
 */
export async function openSource({ source, format, ...options }: OpeningOptions & { source: string }): Promise<Reader> {
  const { except } = options;
  const absolute = path.resolve(source);
  try {
    const status = await stat(absolute);
    if (!status.isFile() && !status.isDirectory()) {
      throw new PatchwordError('SOURCE_INVALID', `${source} is neither a folder nor a file.`);
    }
    const found = status.isFile() ? await findFile(absolute, format) : await findInFolder(absolute, { format, except });
    return await READERS[found.format]!.open({ path: found.path, ...options });
  } catch (error) {
    throw explainReading(error, absolute);
  }
}
/** What the user is told of a source before it is read. */
export function describeReader({ path: file, format, passedOver }: Reader): string {
  const without = passedOver ? `, without ${passedOver} that could not be downloaded` : '';
  return `Reading ${path.basename(file)} as ${FORMATS[format]}${without}.`;
}

interface Found {
  format: Format;
  path: string;
}

async function findFile(file: string, format: Format | undefined): Promise<Found> {
  const name = path.basename(file);
  const found =
    format ??
    (await recognize(file, FORMAT_NAMES)) ??
    FORMAT_NAMES.find((candidate) => READERS[candidate]?.names?.test(name));
  if (found !== undefined) return { format: found, path: file };
  await refuseUtf16(file); // It looks like none of them.
  const packing = await packingOf(file);
  if (packing !== null) {
    throw new PatchwordError('SOURCE_INVALID', `${file} is packed with ${packing}.`, {
      hint: 'Unpack it, and name what was in it.',
    });
  }
  throw new PatchwordError('SOURCE_INVALID', `${file} is of no format that is recognised.`, {
    hint: `Say which it is with --format: ${FORMAT_NAMES.join(', ')}.`,
  });
}

async function findInFolder(
  folder: string,
  { format, except }: Pick<OpeningOptions, 'format' | 'except'>,
): Promise<Found> {
  const candidates = format === undefined ? FORMAT_NAMES : [format];
  const whole = candidates.filter((candidate) => READERS[candidate]?.names === undefined);
  const isWhole = format === undefined ? await recognize(folder, whole, except) : whole[0];
  if (isWhole !== undefined && isWhole !== 'folder') return { format: isWhole, path: folder };

  const beside = await findListed(folder, candidates);
  const listed = beside.length > 0 ? beside : await findPublished(folder, candidates);
  if (listed.length > 1) {
    const names = listed.map((one) => path.relative(folder, one.path)).join(', ');
    throw new PatchwordError('SOURCE_INVALID', `${folder} holds several datasets: ${names}.`, {
      hint: `Name one of them, for example ${listed[0].path}; or give --format folder to read the pictures alone.`,
    });
  }
  if (listed.length === 1) return listed[0];
  if (isWhole !== undefined) return { format: isWhole, path: folder };
  throw new PatchwordError('SOURCE_INVALID', `${folder} holds no file that is taken for ${FORMATS[candidates[0]]}.`, {
    hint: 'Name the file itself.',
  });
}

/** Files of a folder that are called like datasets, and are. */
async function findListed(folder: string, formats: readonly Format[]): Promise<Found[]> {
  const listed: Found[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const named = formats.filter((format) => READERS[format]?.names?.test(name));
    const file = path.join(folder, name);
    const found = await recognize(file, named).catch((error: unknown) => {
      if (!(error instanceof PatchwordError && error.code === 'FILE_NOT_FOUND')) throw error;
      // It may be the list of these pictures: without it they would have no captions.
      throw new PatchwordError(error.code, error.message, {
        hint: 'Make it readable or remove it, name another file, or give --format folder to read the pictures alone.',
        cause: error,
      });
    });
    if (found !== undefined) listed.push({ format: found, path: file });
  }
  return listed;
}

/** Those that stand where their publishers put them: the folder holds the pictures, and this one beside them. */
async function findPublished(folder: string, formats: readonly Format[]): Promise<Found[]> {
  const found: Found[] = [];
  for (const format of formats) {
    const { folder: name } = READERS[format]!;
    const published = name === undefined ? folder : path.join(folder, name);
    if (published === folder || !existsSync(published) || !(await isFolder(published))) continue;
    found.push(...(await findListed(published, [format])));
  }
  return found;
}

async function recognize(
  file: string,
  formats: readonly Format[],
  except?: readonly string[],
): Promise<Format | undefined> {
  for (const format of formats) {
    try {
      if (await READERS[format]?.looksLike(file, except)) return format;
    } catch (error) {
      throw explainReading(error, file);
    }
  }
  return undefined;
}

async function isFolder(file: string): Promise<boolean> {
  return (await stat(file)).isDirectory();
}
