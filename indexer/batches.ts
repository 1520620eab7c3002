import { PatchwordError } from '../src/errors.js';
import type { Inference } from '../src/inference/inference.js';
import type { ModelInput } from '../src/vilt/image.js';

/** Pictures embedded and written together. */
export const BATCH = 32;

/** One batch is prepared while another is embedded; few originals are decoded at once, for they may be large. */
export const PREPARATION = { concurrency: 4, ahead: BATCH + 4 };

export interface BatchOptions<Item, Embedded> {
  items: AsyncIterable<Item>;
  embed: (batch: Item[]) => Promise<Embedded>;
  write: (embedded: Embedded, batch: Item[]) => Promise<void>;
  /** Aborting stops after the batch under way, which is written. */
  signal?: AbortSignal;
}

/** Embeds and writes items in batches: each is embedded while the one before is written. */
export async function embedInBatches<Item, Embedded>(options: BatchOptions<Item, Embedded>): Promise<void> {
  const { items, embed, write, signal } = options;
  let writing = Promise.resolve();
  const flush = async (batch: Item[]) => {
    const embedded = await embed(batch);
    await writing;
    writing = write(embedded, batch);
    // A failure is thrown where `writing` is awaited next, not by the event loop.
    writing.catch(() => undefined);
  };
  let batch: Item[] = [];
  try {
    for await (const item of items) {
      if (signal?.aborted) break;
      batch.push(item);
      if (batch.length < BATCH) continue;
      await flush(batch);
      batch = [];
    }
    if (batch.length > 0 && !signal?.aborted) await flush(batch);
  } catch (error) {
    if (!(error instanceof PatchwordError && error.code === 'CANCELLED')) throw error;
  }
  await writing;
}

/**
 * The unimodal passes of one batch: every picture, and every caption. A picture without model input has its captions alone.
 *
 * @returns for each picture, in order, unit vectors of (dimension)
 */
export async function embedPictures(
  inference: Inference,
  pictures: readonly { modelInput: ModelInput | null; captions: string[] }[],
): Promise<{ embedding: Float32Array | null; captions: Float32Array[] }[]> {
  const [imageEmbeddings, textEmbeddings] = await Promise.all([
    inference.embedImages(
      pictures.flatMap(({ modelInput }) => modelInput ?? []),
      { priority: 'background' },
    ),
    inference.embedTexts(
      pictures.flatMap(({ captions }) => captions),
      { priority: 'background' },
    ),
  ]);
  let image = 0;
  let text = 0;
  return pictures.map(({ modelInput, captions }) => ({
    embedding: modelInput ? imageEmbeddings[image++] : null,
    captions: captions.map(() => textEmbeddings[text++].embedding),
  }));
}
