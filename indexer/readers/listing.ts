import path from 'node:path';
import { PatchwordError } from '../../src/errors.js';
import { findPictures, type Pictures } from './pictures.js';
import type { Format, Reader, SkippedImage, SourceImage } from './reader.js';
import {
  cleanRow,
  isAlias,
  joinRow,
  keepRow,
  keyOf,
  type Listed,
  locateImage,
  normalize,
  type RowImage,
  skipRow,
} from './row.js';

export interface ListingOptions {
  format: Format;
  /** Absolute path of the file. */
  path: string;
  /** Folder of the pictures. Default: the first of `folders` that holds any. */
  images?: string | undefined;
  /** Relative to the folder of the file. */
  folders: readonly string[];
  /** Whether rows of one image are one image with the captions of all, or the first counts and others are reported. */
  repeats: 'merged' | 'skipped';
  /** Reads the file from its beginning at every call. */
  rows: () => AsyncIterable<Listed>;
  /** The most characters of rows that are kept, so that the file is read once. Default: twice what COCO's 123,287 images have. */
  keptCharacters?: number;
}

/** The most images of one file, and characters of their names, which are held in memory. */
export const MAX_IMAGES = 10_000_000;
const MAX_NAME_CHARACTERS = 2 ** 30;

/** The most characters of captions and attributes that wait for the last row of their image. */
const MAX_WAITING_CHARACTERS = 2 ** 28;

const KEPT_CHARACTERS = 2 ** 27;

/** Of which images the files are looked for, to find the folder: the first hundred, and some of the others. */
const TRIED = { first: 100, every: 1000, most: 1000 } as const;

/** What is known of a file that was read once. */
interface Survey {
  /** By name: the row with which an image is complete, or the one that counts. */
  deciding: Map<string, number>;
  rows: number;
  unusable: number;
  tried: string[];
  kept: KeptRows;
}

/**
 * The images of a file that lists them, one row after another. The file is read to its end first, to know which row is the
 * last of each image, so that rows of one image may be anywhere; it is then known too, before anything is indexed, that it can
 * be read. Of a large file only the names are kept from that, and it is read a second time, so that few captions wait in
 * memory.
 *
 * @throws PatchwordError SOURCE_INVALID where no row can be used, or none of the pictures is found; what `rows` throws
 */
export async function openListing(options: ListingOptions): Promise<Reader> {
  const { format, path: file, images, folders, repeats } = options;
  const survey = await surveyRows(options);
  const beside = path.dirname(file);
  const pictures = await findPictures({
    file,
    folders: images === undefined ? folders.map((folder) => path.join(beside, folder)) : [path.resolve(images)],
    names: survey.tried,
  });
  const rows = () => survey.kept.rows ?? cleanRows(options.rows);
  const deciding = joinAliases({ deciding: survey.deciding, pictures, repeats });
  return {
    format,
    path: file,
    root: pictures.root,
    total: repeats === 'merged' ? deciding.size + survey.unusable : survey.rows,
    entries: () => (repeats === 'merged' ? merged : first)({ rows, path: file, deciding, pictures }),
  };
}

async function surveyRows(options: ListingOptions): Promise<Survey> {
  const kept = new KeptRows(options.keptCharacters ?? KEPT_CHARACTERS);
  const survey: Survey = { deciding: new Map(), rows: 0, unusable: 0, tried: [], kept };
  const { deciding, tried } = survey;
  let reason: string | null = null;
  let characters = 0;
  for await (const row of cleanRows(options.rows)) {
    const index = survey.rows++;
    kept.add(row);
    if ('reason' in row) {
      survey.unusable += 1;
      reason ??= `${row.at}: ${row.reason}`;
      continue;
    }
    const key = normalize(row.name);
    if (options.repeats === 'skipped' && deciding.has(key)) continue;
    if (!deciding.has(key)) characters += key.length;
    const { size } = deciding.set(key, index);
    if (size > MAX_IMAGES || characters > MAX_NAME_CHARACTERS) {
      throw refused(`${options.path} lists too many images (${size}); split it.`);
    }
    if ((size <= TRIED.first || size % TRIED.every === 0) && tried.length < TRIED.most) tried.push(row.name);
  }
  if (survey.rows === 0) throw refused(`${options.path}:1: it lists no images.`);
  if (deciding.size === 0 && reason !== null) {
    throw refused(`${options.path}: of ${survey.rows} entries none can be used; the first: ${reason}.`);
  }
  return survey;
}

/** An image may be called by an absolute path in one row and by a relative one in another. */
function joinAliases({ deciding, pictures, repeats }: Joining): ReadonlyMap<string, number> {
  const choose = repeats === 'merged' ? Math.max : Math.min;
  for (const [key, row] of deciding) {
    const name = isAlias(key) ? pictures.locate(key)?.name : undefined;
    if (name === undefined || name === key) continue; // what is added while it goes round comes up again
    deciding.delete(key);
    deciding.set(name, choose(row, deciding.get(name) ?? row));
  }
  return deciding;
}

interface Joining {
  deciding: Map<string, number>;
  pictures: Pictures;
  repeats: ListingOptions['repeats'];
}

interface Reading {
  /** From the first one at every call. */
  rows: () => Iterable<Listed> | AsyncIterable<Listed>;
  path: string;
  deciding: ReadonlyMap<string, number>;
  pictures: Pictures;
}

async function* first({ rows, deciding, pictures }: Reading): AsyncGenerator<SourceImage | SkippedImage> {
  let index = 0;
  for await (const row of rows()) {
    const counts = row.name === undefined ? undefined : deciding.get(keyOf(row.name, pictures));
    if ('reason' in row) yield skipRow(row, { isTaken: counts !== undefined, pictures });
    else if (counts === undefined || counts === index) yield locateImage(joinRow(undefined, row), pictures);
    else yield { file: row.at, reason: `it lists ${row.name} a second time` };
    index += 1;
  }
}

async function* merged({ rows, path: file, deciding, pictures }: Reading): AsyncGenerator<SourceImage | SkippedImage> {
  const waiting = new Map<string, RowImage>();
  let characters = 0;
  let index = 0;
  for await (const row of rows()) {
    const key = row.name === undefined ? '' : keyOf(row.name, pictures);
    const last = deciding.get(key);
    if ('reason' in row) {
      yield skipRow(row, { isTaken: last !== undefined, pictures });
    } else {
      const before = waiting.get(key);
      characters -= before?.characters ?? 0;
      const image = joinRow(before, row);
      if (last === index) {
        waiting.delete(key);
        yield locateImage(image, pictures);
      } else {
        if (before === undefined) waiting.set(key, image);
        characters += image.characters;
        if (characters > MAX_WAITING_CHARACTERS) {
          throw refused(`The rows of an image lie too far apart in ${file}; sort it by image.`);
        }
      }
    }
    index += 1;
  }
  // Only where the file has changed since it was surveyed.
  for (const image of waiting.values()) yield locateImage(image, pictures);
}

async function* cleanRows(rows: ListingOptions['rows']): AsyncGenerator<Listed> {
  for await (const row of rows()) yield cleanRow(row);
}

/** The rows of a file, as long as they are few. */
class KeptRows {
  /** Null once they were too many. */
  rows: Listed[] | null = [];
  #characters = 0;

  constructor(private readonly most: number) {}

  add(row: Listed): void {
    if (this.rows === null) return;
    const kept = keepRow(row);
    this.#characters += kept.characters;
    if (this.#characters > this.most) this.rows = null;
    else this.rows.push(kept.row);
  }
}

function refused(message: string): PatchwordError {
  return new PatchwordError('SOURCE_INVALID', message);
}
