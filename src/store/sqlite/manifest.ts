import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../../errors.js';
import { isSameModel, type CollectionModel, type Target } from '../store.js';
import { replaceFile } from './database.js';
import { VectorGraph } from './vectors.js';

/** Counts changes to the format of the manifest or of the files that it describes. 1 had no `measured`: it is measured again. */
const VERSION = 2;

/** What a graph finds of the nearest, as measured against exact search. */
export interface MeasuredRecall {
  /** Candidates that it kept. */
  ef: number;
  /** The share of the 100 nearest that it found, 0..1. */
  recall: number;
  /** Vectors that it held then, those marked as deleted included. */
  count: number;
}

/** What one file of vectors holds. */
export interface GraphEntry {
  /** All vectors of the catalog up to this revision are in the file. */
  revision: number;
  /** Vectors in the file, those marked as deleted included. */
  count: number;
  bytes: number;
  /** SHA-256 of the file, hex. */
  checksum: string;
  /** null where it was saved before it was measured. */
  measured: MeasuredRecall | null;
}

/** More candidates are never kept. */
export const MAX_EF = 4096;

export type GraphEntries = Record<Target, GraphEntry | null>;

interface Manifest extends GraphEntries {
  version: number;
  modelHash: string;
  prefilterHash: string;
  dimension: number;
  inputSize: string;
}

export const NO_GRAPHS: GraphEntries = { images: null, captions: null };

export function graphFile(folder: string, target: Target): string {
  return path.join(folder, `${target}.hnsw`);
}

function manifestFile(folder: string): string {
  return path.join(folder, 'manifest.json');
}

/** The manifest first: a file of vectors that it does not describe is made anew. */
export function removeGraphs(folder: string): void {
  for (const file of [manifestFile(folder), graphFile(folder, 'images'), graphFile(folder, 'captions')])
    rmSync(file, { force: true });
}

/** What the manifest says of the files of vectors; nothing where it is missing, damaged or of another model. */
export function readManifest(folder: string, model: CollectionModel): GraphEntries {
  try {
    const manifest = JSON.parse(readFileSync(manifestFile(folder), 'utf8')) as Manifest;
    const { version, modelHash: hash, prefilterHash, dimension, inputSize } = manifest;
    const same = isSameModel({ path: model.path, hash, prefilterHash, dimension, inputSize }, model);
    if (!(version >= 1 && version <= VERSION) || !same || dimension !== model.dimension) return NO_GRAPHS;
    return { images: checkedEntry(manifest.images), captions: checkedEntry(manifest.captions) };
  } catch {
    return NO_GRAPHS;
  }
}

export function writeManifest(folder: string, model: CollectionModel, { images, captions }: GraphEntries): void {
  const { hash: modelHash, prefilterHash, dimension, inputSize } = model;
  const manifest: Manifest = { version: VERSION, modelHash, prefilterHash, dimension, inputSize, images, captions };
  const file = manifestFile(folder);
  writeFileSync(`${file}.new`, JSON.stringify(manifest, null, 2) + '\n');
  replaceFile(`${file}.new`, file);
}

function checkedEntry(entry: GraphEntry | null): GraphEntry | null {
  const numbers = [entry?.revision, entry?.count, entry?.bytes];
  if (!numbers.every(Number.isSafeInteger) || typeof entry?.checksum !== 'string') return null;
  return { ...entry, measured: checkedMeasure(entry.measured) };
}

function checkedMeasure(measured: MeasuredRecall | null | undefined): MeasuredRecall | null {
  const { ef = 0, recall = -1, count = -1 } = measured ?? {};
  const right =
    Number.isInteger(ef) && ef >= 1 && ef <= MAX_EF && recall >= 0 && recall <= 1 && Number.isInteger(count);
  return right ? { ef, recall, count } : null;
}

/** Length and SHA-256 of a file, read in pieces. */
export function measureFile(file: string): Pick<GraphEntry, 'bytes' | 'checksum'> {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(1 << 20);
  const handle = openSync(file, 'r');
  try {
    let bytes = 0;
    for (let read = 1; read > 0; bytes += read) {
      read = readSync(handle, piece, 0, piece.length, null);
      hash.update(piece.subarray(0, read));
    }
    return { bytes, checksum: hash.digest('hex') };
  } finally {
    closeSync(handle);
  }
}

interface GraphOptions {
  folder: string;
  target: Target;
  dimension: number;
  entry: GraphEntry | null;
  /** Revision of the catalog. */
  newest: number;
}

/** The graph that an entry describes, or why it cannot be used. */
export function readGraph({ folder, target, dimension, entry, newest }: GraphOptions): VectorGraph | string {
  const file = graphFile(folder, target);
  if (!existsSync(file)) return 'is missing';
  if (!entry) return 'is not described by the manifest';
  if (entry.revision > newest) return 'is newer than the catalog';
  const { bytes, checksum } = measureFile(file);
  if (bytes !== entry.bytes) return `has ${bytes} bytes where the manifest says ${entry.bytes}`;
  if (checksum !== entry.checksum) return 'does not match its checksum';
  try {
    const graph = VectorGraph.load(file, dimension);
    if (graph.size === entry.count) return graph;
    return `holds ${graph.size} vectors where the manifest says ${entry.count}`;
  } catch (error) {
    return `cannot be read (${messageOf(error)})`;
  }
}
