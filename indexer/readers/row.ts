import path from 'node:path';
import type { Attributes } from '../../src/filter.js';
import type { Pictures } from './pictures.js';
import { cleanAttributes, cleanCaptions, MAX_CAPTIONS, type SkippedImage, type SourceImage } from './reader.js';

/** What a value takes in memory beside its characters. */
const OVERHEAD = 16;

/** No path of a file is longer. */
const MAX_NAME_LENGTH = 4096;

/** What one row, entry or line of a file says of an image. Captions need not be clean. */
export interface Row {
  /** Path below the folder of the pictures, or an absolute one, as written. */
  name: string;
  captions: string[];
  split: string | null;
  /** Worked out where they are asked for. */
  attributes: () => Attributes;
}

/** A row with its place, `captions.csv:12`, which no other row has. */
export type PlacedRow = Row & { at: string };

/** Why a row cannot be used, and the name of its image where it gives one. */
export interface BadRow {
  at: string;
  name?: string;
  reason: string;
  /** Set where it can be of no image that was indexed: an annotation, or a name that no file has. */
  ofNone?: true;
}

export type Listed = PlacedRow | BadRow;

/** A row with clean captions, if it can be used. */
export function cleanRow(row: Listed): Listed {
  const { at, name } = row;
  if (name !== undefined && name.length > MAX_NAME_LENGTH) {
    const reason = `its path has ${name.length} characters; at most ${MAX_NAME_LENGTH} are read`;
    return { at, reason, ofNone: true };
  }
  if ('reason' in row) return row;
  if (/^https?:/i.test(row.name))
    return { at, name, reason: 'it is a web address; expected the path of a file: download it first', ofNone: true };
  const cleaned = cleanCaptions(row.captions);
  return 'reason' in cleaned ? { at, name, ...cleaned } : { ...row, ...cleaned };
}

/** An image as its rows tell it. */
export interface RowImage extends Omit<PlacedRow, 'attributes'> {
  attributes: Attributes;
  /** Of captions and attributes, about what they take in memory. */
  characters: number;
}

/** Adds the captions of another row of the same image; of split and attributes, the first row that says anything counts. */
export function joinRow(image: RowImage | undefined, row: PlacedRow): RowImage {
  const attributes = row.attributes();
  const characters = charactersOf(row.captions, attributes);
  if (image === undefined) return { ...row, captions: [...row.captions], attributes, characters };
  // With one more than is allowed the image is refused; the rest of them need not be kept.
  if (image.captions.length <= MAX_CAPTIONS) image.captions.push(...row.captions);
  image.split ??= row.split;
  const isNew = Object.keys(attributes).some((name) => !Object.hasOwn(image.attributes, name));
  if (isNew) image.attributes = cleanAttributes({ ...image.attributes, ...attributes, ...image.attributes });
  image.characters += characters;
  return image;
}

/** A row without what it was made of, and about what it takes in memory, in characters. */
export function keepRow(row: Listed): { row: Listed; characters: number } {
  const { at, name = '' } = row;
  const characters = at.length + name.length + 2 * OVERHEAD;
  if ('reason' in row) return { row, characters: characters + row.reason.length };
  const attributes = row.attributes();
  const kept = { ...row, attributes: () => attributes };
  return { row: kept, characters: characters + charactersOf(row.captions, attributes) };
}

/**
 * A row that is of no use, under the name that its image has where it was indexed.
 *
 * @param options.isTaken whether another entry bears that name
 */
export function skipRow(
  { at, name: written, reason, ofNone }: BadRow,
  { isTaken, pictures }: { isTaken: boolean; pictures: Pictures },
): SkippedImage {
  const name = written === undefined || ofNone ? written : (pictures.locate(written)?.name ?? written);
  if (name === undefined) return { file: at, reason, ...(!ofNone && { nameless: true }) };
  return isTaken ? { file: at, reason: `${name}: ${reason}` } : { file: name, reason: `${at}: ${reason}` };
}

export function locateImage(image: RowImage, pictures: Pictures): SourceImage | SkippedImage {
  const { at, name, captions, split, attributes } = image;
  const located = pictures.locate(name);
  if (located === null) return { file: name, reason: `${at}: its path leaves the folder of the pictures` };
  const checked = captions.length > MAX_CAPTIONS ? cleanCaptions(captions) : { captions };
  if ('reason' in checked) return { file: located.name, reason: `${at}: ${checked.reason}` };
  return { ...located, captions, split, attributes };
}

/** The name that all rows of one image have in common, however they write it. */
export function keyOf(name: string, pictures: Pictures): string {
  const key = normalize(name);
  return (isAlias(key) ? pictures.locate(key)?.name : undefined) ?? key;
}

/** The key of a name, unless it is an alias. */
export function normalize(name: string): string {
  const normal = path.posix.normalize(name).replace(/(?<=[^/])\/+$/, '');
  // A part of a text keeps the whole of it in memory; a copy does not.
  return Buffer.from(normal, 'utf8').toString('utf8');
}

/** Whether a normalized name may lead back into the folder of the pictures from outside. */
export function isAlias(key: string): boolean {
  return path.isAbsolute(key) || key === '..' || key.startsWith('../');
}

function charactersOf(captions: string[], attributes: Attributes): number {
  return lengthOf(captions) + lengthOf(Object.keys(attributes)) + lengthOf(Object.values(attributes));
}

function lengthOf(values: readonly unknown[]): number {
  return values.reduce((sum: number, value) => sum + (typeof value === 'string' ? value.length : 0) + OVERHEAD, 0);
}
