import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Engine, openEngine } from '../src/engine.js';
import { PatchwordError } from '../src/errors.js';
import type { Device, Precision } from '../src/inference/inference.js';
import { ingest } from './ingestion.js';
import { iterate } from './lookahead.js';
import type { Progress } from './progress.js';
import { isSkipped, type Reader, type SourceImage } from './readers/reader.js';
import { unknownSplit } from './splits.js';

export interface PassingOptions {
  model: string;
  reader: Reader;
  /** Only pictures of this split; default: all. */
  split?: string;
  /** At most so many pictures, drawn by the seed. */
  pictures: number;
  seed: number;
  device?: Device;
  precision?: Precision;
  onProgress?: (progress: Progress) => void;
  onNote?: (line: string) => void;
  signal?: AbortSignal;
}

/**
 * Indexes some pictures of a source for one piece of work, in a collection that is gone once it is closed.
 *
 * @throws PatchwordError INVALID_ARGUMENT for a split that is not there; SOURCE_INVALID without captions; PREFILTER_MISSING; CANCELLED; what `ingest` throws
 */
export async function openPassing(options: PassingOptions): Promise<{ engine: Engine; close(): Promise<void> }> {
  const { model, device, precision, onNote, onProgress, signal } = options;
  const source = await drawPictures(options);
  const data = mkdtempSync(path.join(tmpdir(), 'patchword-calibrate-'));
  let engine: Engine | null = null;
  const close = async () => {
    await engine?.close();
    rmSync(data, { recursive: true, force: true });
  };
  try {
    engine = await openEngine({ collection: 'passing', data, create: true, model, device, precision, onNote });
    const { quarantined, skipped } = await ingest({ engine, source, onProgress, signal });
    if (quarantined > 0) {
      onNote?.(`${quarantined} of ${source.total} pictures skipped, such as ${skipped[0].file}: ${skipped[0].reason}`);
    }
    return { engine, close };
  } catch (error) {
    await close();
    if (!(error instanceof PatchwordError && error.code === 'CANCELLED')) throw error;
    throw new PatchwordError('CANCELLED', 'Stopped while the pictures were read; nothing was written.');
  }
}

/** The same source, with none but some captioned pictures of a split. */
async function drawPictures({ reader, split, pictures, seed }: PassingOptions): Promise<Reader> {
  const drawn: { order: string; image: SourceImage }[] = [];
  const sizes = new Map<string | null, number>();
  for await (const entry of reader.entries()) {
    if (isSkipped(entry) || entry.captions.length === 0) continue;
    sizes.set(entry.split, (sizes.get(entry.split) ?? 0) + 1);
    if (split !== undefined && entry.split !== split) continue;
    delete entry.bytes; // They would fill the memory, and are read again in their turn.
    drawn.push({ order: createHash('sha256').update(`${seed}:${entry.name}`).digest('hex'), image: entry });
  }
  if (sizes.size === 0) throw new PatchwordError('SOURCE_INVALID', `${reader.path} has no captioned picture.`);
  if (split !== undefined && !sizes.has(split)) throw unknownSplit(reader.path, split, sizes);
  const chosen = drawn.sort((a, b) => (a.order < b.order ? -1 : 1)).slice(0, pictures);
  return { ...reader, total: chosen.length, entries: () => iterate(chosen.map(({ image }) => image)) };
}
