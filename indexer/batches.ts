import { PatchwordError } from '../src/errors.js';
import type { Inference } from '../src/inference/inference.js';
import { isWithinLimits, type RecordSize } from '../src/store/limits.js';
import type { ModelInput } from '../src/vilt/image.js';
import { mapAhead } from './lookahead.js';

/** Pictures embedded and written together. */
export const BATCH = 32;

/** One batch is prepared while another is embedded; few originals are decoded at once, for they may be large. */
export const PREPARATION = { concurrency: 4, ahead: BATCH + 4 };

/** The model always finds the next batch waiting; a third is being written. */
const EMBEDDING = { concurrency: 2, ahead: 2 };

export interface BatchOptions<Item, Embedded> {
  items: AsyncIterable<Item>;
  /** What an item counts towards the most that is written together. */
  sizeOf?: (item: Item) => RecordSize;
  embed: (batch: Item[]) => Promise<Embedded>;
  write: (embedded: Embedded, batch: Item[]) => Promise<void>;
  /** Aborting stops after the batches under way, which are written. */
  signal?: AbortSignal;
}

/** Embeds and writes items in batches, in their order: some are embedded while another is written. */
export async function embedInBatches<Item, Embedded>(options: BatchOptions<Item, Embedded>): Promise<void> {
  const { embed, write } = options;
  const embedded = mapAhead(cutBatches(options), EMBEDDING, async (batch) => ({ batch, embedded: await embed(batch) }));
  try {
    for await (const { batch, embedded: result } of embedded) await write(result, batch);
  } catch (error) {
    if (!(error instanceof PatchwordError && error.code === 'CANCELLED')) throw error;
  }
}

async function* cutBatches<Item, Embedded>(options: BatchOptions<Item, Embedded>): AsyncGenerator<Item[]> {
  const { items, sizeOf = () => ({ items: 1, bytes: 0 }), signal } = options;
  let batch: Item[] = [];
  let size: RecordSize = { items: 0, bytes: 0 };
  for await (const item of items) {
    if (signal?.aborted) return;
    const added = sizeOf(item);
    const sum = { items: size.items + added.items, bytes: size.bytes + added.bytes };
    if (batch.length > 0 && !isWithinLimits(sum)) {
      yield batch;
      [batch, size] = [[item], added];
    } else {
      batch.push(item);
      size = sum;
    }
    if (batch.length < BATCH) continue;
    yield batch;
    [batch, size] = [[], { items: 0, bytes: 0 }];
  }
  if (batch.length > 0 && !signal?.aborted) yield batch;
}

/**
 * The unimodal passes of one batch: every picture, and every caption, equal ones once. A picture without model input has
 * its captions alone.
 *
 * @returns for each picture, in order, unit vectors of (dimension)
 */
export async function embedPictures(
  inference: Inference,
  pictures: readonly { modelInput: ModelInput | null; captions: string[] }[],
): Promise<{ embedding: Float32Array | null; captions: Float32Array[] }[]> {
  const texts = [...new Set(pictures.flatMap(({ captions }) => captions))];
  const [imageEmbeddings, textEmbeddings] = await Promise.all([
    inference.embedImages(
      pictures.flatMap(({ modelInput }) => modelInput ?? []),
      { priority: 'background' },
    ),
    inference.embedTexts(texts, { priority: 'background' }),
  ]);
  const embeddings = new Map(texts.map((text, index) => [text, textEmbeddings[index].embedding]));
  let image = 0;
  return pictures.map(({ modelInput, captions }) => ({
    embedding: modelInput ? imageEmbeddings[image++] : null,
    captions: captions.map((text) => embeddings.get(text)!),
  }));
}
