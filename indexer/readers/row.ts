import path from 'node:path';
import type { Attributes } from '../../src/filter.js';
import type { Pictures } from './pictures.js';
import { cleanAttributes, cleanCaptions, MAX_CAPTIONS, type SkippedImage, type SourceImage } from './reader.js';

/** What one row, entry or line of a file says of an image. Captions need not be clean. */
export interface Row {
  /** Path below the folder of the pictures, or an absolute one, as written. */
  name: string;
  captions: string[];
  split: string | null;
  attributes: Attributes;
}

/** A row with its place, `captions.csv:12`, which no other row has. */
export type PlacedRow = Row & { at: string };

/** Why a row cannot be used, and the name of its image where it gives one. */
export interface BadRow {
  at: string;
  name?: string;
  reason: string;
}

export type Listed = PlacedRow | BadRow;

export function cleanRow(row: PlacedRow): Listed {
  const { at, name } = row;
  if (/^https?:/i.test(name)) return { at, name, reason: 'it is a web address; expected the path of a file' };
  const cleaned = cleanCaptions(row.captions);
  return 'reason' in cleaned ? { at, name, ...cleaned } : { ...row, ...cleaned };
}

/** Adds the captions of another row of the same image; of split and attributes, the first row that says anything counts. */
export function joinRow(image: Row, row: Row): void {
  // With one more than is allowed the image is refused; the rest of them need not be kept.
  if (image.captions.length <= MAX_CAPTIONS) image.captions.push(...row.captions);
  image.split ??= row.split;
  image.attributes = cleanAttributes({ ...image.attributes, ...row.attributes, ...image.attributes });
}

/** @param options.isTaken whether another entry bears the name of the image */
export function skipRow({ at, name, reason }: BadRow, { isTaken }: { isTaken: boolean }): SkippedImage {
  if (name === undefined) return { file: at, reason };
  return isTaken ? { file: at, reason: `${name}: ${reason}` } : { file: name, reason: `${at}: ${reason}` };
}

export function locateRow(row: PlacedRow, pictures: Pictures): SourceImage | SkippedImage {
  const { at, name, captions, split, attributes } = row;
  const located = pictures.locate(name);
  if (located === null) return { file: name, reason: `${at}: its path leaves the folder of the pictures` };
  const cleaned = cleanCaptions(captions);
  if ('reason' in cleaned) return { file: located.name, reason: `${at}: ${cleaned.reason}` };
  return { ...located, ...cleaned, split, attributes };
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
  return path.isAbsolute(key) || key.startsWith('..');
}
