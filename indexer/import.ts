import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { locateModel, openEngine } from '../src/engine.js';
import { explainSystemError, PatchwordError } from '../src/errors.js';
import type { Device, Precision } from '../src/inference/inference.js';
import { stageCollection } from '../src/store/sqlite/collections.js';
import { PICTURES_FOLDER } from '../src/store/sqlite/folders.js';
import { IMAGE_LIMITS } from '../src/vilt/image.js';
import { BACKUP } from './backup.js';
import { PICTURES } from './dataset.js';
import { ingest } from './ingestion.js';
import type { Progress } from './progress.js';
import type { SkippedImage } from './readers/reader.js';
import { openSource } from './readers/source.js';
import { readMembers } from './readers/tar.js';
import { restore } from './restoring.js';
import { unpack } from './unpacking.js';

export interface ImportOptions {
  /** An export or a backup: a folder, or a tar file. */
  from: string;
  /** Folder that holds the collections. */
  data: string;
  /** Of the new collection. */
  name: string;
  /** A model folder or weight file for an export; default: the bundled one. A backup has its own. */
  model?: string;
  device?: Device;
  precision?: Precision;
  /** While the pictures of an export are indexed. */
  onProgress?: (progress: Progress) => void;
  onNote?: (line: string) => void;
  /** Aborting leaves nothing behind. */
  signal?: AbortSignal;
}

export interface ImportResult {
  kind: 'export' | 'backup';
  images: number;
  captions: number;
  /** How many pictures of an export could not be indexed. */
  quarantined: number;
  /** The first of them. */
  skipped: SkippedImage[];
  seconds: number;
}

const DATASET = 'dataset.json';

/**
 * Makes a collection of what `collection export` or `collection backup` wrote. It is there whole or not at all. Pictures of a
 * tar file are unpacked into the collection's own folder; those of a folder stay where they are.
 *
 * @throws PatchwordError INVALID_ARGUMENT where the name is taken, FILE_NOT_FOUND, SOURCE_INVALID, CANCELLED; what indexing throws
 */
export async function importCollection(options: ImportOptions): Promise<ImportResult> {
  const { from, data, name, model } = options;
  const started = performance.now();
  const { kind, isTar } = await recognize(from);
  if (kind === 'backup' && model !== undefined) {
    throw new PatchwordError(
      'INVALID_ARGUMENT',
      'A backup has the embeddings of its own model; --model is for an export.',
      {
        hint: `Leave it out; then change the model: patchword reindex ${name} --model ${model}`,
      },
    );
  }
  const staged = await stageCollection({ data, name });
  try {
    const imported =
      kind === 'backup'
        ? await importBackup(options, { isTar, staged })
        : await indexExport(options, { isTar, staged });
    await staged.publish();
    return { kind, ...imported, seconds: (performance.now() - started) / 1000 };
  } catch (error) {
    if (!(error instanceof PatchwordError && error.code === 'CANCELLED')) throw error;
    // Of a tar file `index` would make another source, and of a backup one without captions.
    const isIndexed = kind === 'export' && !isTar;
    throw new PatchwordError('CANCELLED', 'Stopped; nothing was imported.', {
      ...(isIndexed && { hint: `What can be stopped and continued is: patchword index ${from} --collection ${name}` }),
    });
  } finally {
    await staged.discard();
  }
}

async function importBackup(
  { from, name, onNote, signal }: ImportOptions,
  place: Pick<Parameters<typeof restore>[0], 'isTar' | 'staged'>,
): Promise<Omit<ImportResult, 'kind' | 'seconds'>> {
  const { images, captions, model } = await restore({ ...place, from, name, onNote, signal });
  const folder = locateModel(model);
  if (!existsSync(folder)) {
    onNote?.(`Its model is not at ${folder}: say where it is with --model when you search, or change it with reindex.`);
  }
  return { images, captions, quarantined: 0, skipped: [] };
}

/** @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID */
async function recognize(from: string): Promise<{ kind: ImportResult['kind']; isTar: boolean }> {
  const status = await stat(from).catch((error: unknown) => {
    throw explainSystemError(error, from);
  });
  if (status.isDirectory()) {
    if (existsSync(path.join(from, BACKUP.manifest))) return { kind: 'backup', isTar: false };
    if (existsSync(path.join(from, DATASET))) return { kind: 'export', isTar: false };
  } else if (status.isFile()) {
    for await (const { name } of readMembers(from)) {
      const first = name.replace(/^(\.\/)+/, '');
      if (first === BACKUP.manifest) return { kind: 'backup', isTar: true };
      if (first === DATASET || first.startsWith(`${PICTURES}/`)) return { kind: 'export', isTar: true };
      if (first !== '') break;
    }
  }
  throw new PatchwordError(
    'SOURCE_INVALID',
    `${from} is neither an export of a collection (${DATASET} and ${PICTURES}/) nor a backup (${BACKUP.manifest}).`,
    { hint: `Other sources are indexed: patchword index ${from} --collection NAME` },
  );
}

async function indexExport(
  { from, name, model, device, precision, onProgress, onNote, signal }: ImportOptions,
  { isTar, staged }: { isTar: boolean; staged: { data: string; folder: string } },
): Promise<Omit<ImportResult, 'kind' | 'seconds'>> {
  const unpacked = path.join(staged.folder, PICTURES_FOLDER);
  if (isTar) {
    const { size } = await stat(from);
    await unpack({
      file: from,
      folder: unpacked,
      allowed: { [DATASET]: size, [`${PICTURES}/`]: IMAGE_LIMITS.bytes },
      signal,
    });
    if (!existsSync(path.join(unpacked, DATASET)))
      throw new PatchwordError('SOURCE_INVALID', `${from} holds no ${DATASET}.`);
  }
  // First, so that what cannot be read is told before a model is loaded.
  const source = await openSource({ source: path.join(isTar ? unpacked : from, DATASET), format: 'karpathy' });
  const engine = await openEngine({
    ...{ collection: name, data: staged.data, model, device, precision, onNote },
    create: true,
  });
  try {
    const { quarantined, skipped } = await ingest({ engine, source, onProgress, signal });
    const { images, captions } = await engine.info();
    return { images, captions, quarantined, skipped };
  } finally {
    await engine.close();
  }
}
