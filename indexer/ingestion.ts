import type { Engine } from '../src/engine.js';
import { PatchwordError } from '../src/errors.js';
import type { Inference } from '../src/inference/inference.js';
import { isWithinLimits, recordSize, splitBatch } from '../src/store/limits.js';
import type { ImageRecord } from '../src/store/store.js';
import { embedInBatches, embedPictures, PREPARATION } from './batches.js';
import { mapAhead } from './lookahead.js';
import { type Prepared, prepareImage, scanKnown } from './preparation.js';
import type { Progress } from './progress.js';
import { isSkipped, type Reader, type SkippedImage } from './readers/reader.js';
import { openSource } from './readers/source.js';
import { registerSource } from './registration.js';

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
  const { sourceId } = await registerSource(store, { reader, options: images === undefined ? {} : { images } });
  const known = await scanKnown(store, sourceId);
  const result: IngestResult = { added: 0, updated: 0, unchanged: 0, skipped: [], seconds: 0 };
  const done = () => result.added + result.updated + result.unchanged + result.skipped.length;

  async function* changed(): AsyncGenerator<Prepared> {
    const outcomes = mapAhead(reader.entries(), PREPARATION, async (entry) =>
      isSkipped(entry) ? entry : prepareImage({ inference, root, image: entry, known: known.get(entry.name), signal }),
    );
    for await (const outcome of outcomes) {
      if (signal?.aborted) return;
      if (outcome === 'unchanged') result.unchanged += 1;
      else if ('reason' in outcome) result.skipped.push(outcome);
      else yield outcome;
    }
  }

  onProgress?.({ done: 0, total: total ?? 0 });
  await embedInBatches({
    items: changed(),
    signal,
    embed: (batch) => embed(inference, batch),
    async write(images, batch) {
      const contents = await store.findContents(images.map(({ contentHash }) => contentHash));
      const kept = images.filter(({ file }, i) => {
        const reason = contents[i] === 'removed' ? 'it was removed from the collection' : tooLarge(images[i]);
        if (reason !== null) result.skipped.push({ file, reason });
        else result[batch[i].known ? 'updated' : 'added'] += 1;
        return reason === null;
      });
      for (const part of splitBatch(kept)) await store.upsert({ sourceId, images: part });
      onProgress?.({ done: done(), total: total ?? done() });
    },
  });
  await store.flush();
  onProgress?.({ done: done(), total: total ?? done() });
  if (signal?.aborted) {
    throw new PatchwordError('CANCELLED', `Stopped after ${done()} of ${total} pictures; they are kept.`, {
      hint: 'Run the same command again to continue.',
    });
  }
  result.seconds = (performance.now() - started) / 1000;
  return result;
}

/** Why a record cannot be stored, where nothing else is wrong with it. */
function tooLarge(record: ImageRecord): string | null {
  const { items, bytes } = recordSize(record);
  if (isWithinLimits({ items, bytes })) return null;
  return `its ${items - 1} captions and attributes have ${bytes} bytes, more than is stored of one picture`;
}

async function embed(inference: Inference, batch: Prepared[]): Promise<ImageRecord[]> {
  const pictures = batch.map(({ modelInput, image }) => ({ modelInput, captions: image.captions }));
  const embeddings = await embedPictures(inference, pictures);
  return batch.map(({ image, known: _, ...prepared }, index) => ({
    ...prepared,
    file: image.name,
    location: image.location,
    perceptualHash: null,
    split: image.split,
    attributes: image.attributes,
    embedding: embeddings[index].embedding!,
    captions: image.captions.map((text, at) => ({ text, embedding: embeddings[index].captions[at] })),
  }));
}
