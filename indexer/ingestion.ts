import type { Engine } from '../src/engine.js';
import { PatchwordError } from '../src/errors.js';
import type { ImageRecord } from '../src/store/store.js';
import { mapAhead } from './lookahead.js';
import { type Prepared, prepareImage, scanKnown } from './preparation.js';
import type { Progress } from './progress.js';
import { isSkipped, type Reader, type SkippedImage } from './readers/reader.js';
import { openSource } from './readers/source.js';

export interface IngestOptions {
  engine: Engine;
  /** A folder of pictures with captions, a Karpathy JSON file, or either already opened. */
  source: string | Reader;
  /** Where the pictures of a JSON file are. Default: beside it, or in `images/` beside it. */
  images?: string;
  onProgress?: (progress: Progress) => void;
  /** Aborting stops after the batch under way, which is kept. */
  signal?: AbortSignal;
}

export interface IngestResult {
  added: number;
  updated: number;
  unchanged: number;
  skipped: SkippedImage[];
  seconds: number;
}

/** Pictures embedded and written together. */
const BATCH = 32;

/** One batch is prepared while another is embedded; few originals are decoded at once, for they may be large. */
const PREPARATION = { concurrency: 4, ahead: BATCH + 4 };

/**
 * Brings a collection up to date with a source: reads, prepares, embeds and writes, the stages overlapping, in batches
 * that are written whole. Pictures that the collection holds unchanged are not decoded, so the same call again continues
 * where an earlier one stopped.
 *
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID; CANCELLED once the signal aborts; what store and model throw
 */
export async function ingest({ engine, source, images, onProgress, signal }: IngestOptions): Promise<IngestResult> {
  const started = performance.now();
  const { store, inference } = engine;
  const reader = typeof source === 'string' ? await openSource({ source, images }) : source;
  const { root, total } = reader;
  const known = await scanKnown(store, root);
  const result: IngestResult = { added: 0, updated: 0, unchanged: 0, skipped: [], seconds: 0 };
  const done = () => result.added + result.updated + result.unchanged + result.skipped.length;

  let writing = Promise.resolve();
  const embedAndWrite = async (batch: Prepared[]) => {
    const records = await embed(engine, batch);
    await writing;
    writing = store.upsert({ root, images: records }).then(() => {
      for (const { known } of batch) result[known ? 'updated' : 'added'] += 1;
      onProgress?.({ done: done(), total });
    });
    // A failure is thrown where `writing` is awaited next, not by the event loop.
    writing.catch(() => undefined);
  };

  onProgress?.({ done: 0, total });
  let batch: Prepared[] = [];
  const outcomes = mapAhead(reader.entries(), PREPARATION, async (entry) =>
    isSkipped(entry) ? entry : prepareImage({ inference, root, image: entry, known: known.get(entry.name), signal }),
  );
  try {
    for await (const outcome of outcomes) {
      if (signal?.aborted) break;
      if (outcome === 'unchanged') result.unchanged += 1;
      else if ('reason' in outcome) result.skipped.push(outcome);
      else batch.push(outcome);
      if (batch.length < BATCH) continue;
      await embedAndWrite(batch);
      batch = [];
    }
    if (batch.length > 0 && !signal?.aborted) await embedAndWrite(batch);
  } catch (error) {
    if (!(error instanceof PatchwordError && error.code === 'CANCELLED')) throw error;
  }
  await writing;
  await store.flush();
  onProgress?.({ done: done(), total });
  if (signal?.aborted) {
    throw new PatchwordError('CANCELLED', `Stopped after ${done()} of ${total} pictures; they are kept.`, {
      hint: 'Run the same command again to continue.',
    });
  }
  result.seconds = (performance.now() - started) / 1000;
  return result;
}

/** The unimodal passes of one batch: every picture, and every caption. */
async function embed({ inference }: Engine, batch: Prepared[]): Promise<ImageRecord[]> {
  const [imageEmbeddings, textEmbeddings] = await Promise.all([
    inference.embedImages(
      batch.map(({ modelInput }) => modelInput),
      { priority: 'background' },
    ),
    inference.embedTexts(
      batch.flatMap(({ image }) => image.captions),
      { priority: 'background' },
    ),
  ]);
  let next = 0;
  return batch.map(({ image, known: _, ...prepared }, index) => ({
    ...prepared,
    file: image.name,
    split: image.split,
    embedding: imageEmbeddings[index],
    captions: image.captions.map((text) => ({ text, embedding: textEmbeddings[next++].embedding })),
  }));
}
