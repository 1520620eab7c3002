import { readdir } from 'node:fs/promises';
import { bindingOf } from '../src/engine.js';
import { PatchwordError } from '../src/errors.js';
import type { Inference } from '../src/inference/inference.js';
import { originalFile } from '../src/original.js';
import { prepareStored } from '../src/preparation.js';
import { isSameModel, type PendingImage, type Reembedding, type Store } from '../src/store/store.js';
import type { ModelInput } from '../src/vilt/image.js';
import { BATCH, embedInBatches, embedPictures, PREPARATION } from './batches.js';
import { EmptyFolders } from './emptied.js';
import { mapAhead } from './lookahead.js';
import { reasonToSkip } from './preparation.js';
import type { Progress } from './progress.js';
import type { SkippedImage } from './readers/reader.js';

export interface ReindexOptions {
  store: Store;
  /** Runs the model that the collection is to have. */
  inference: Inference;
  /** Goes on where a folder of pictures is not there or empty, so that these are not searchable until they come back. */
  allowMissing?: boolean;
  onProgress?: (progress: Progress) => void;
  onNote?: (line: string) => void;
  /** Aborting stops after the batch under way, which is kept. */
  signal?: AbortSignal;
}

export interface ReindexResult {
  /** Pictures that this run embedded. */
  images: number;
  /** Captions that this run embedded. */
  captions: number;
  /** Pictures that stay in the collection, with their captions, but are not searchable: by absolute path, with the reason. */
  skipped: SkippedImage[];
  seconds: number;
}

/** A picture, ready to be embedded; without a model input only its captions are. */
interface Prepared {
  image: PendingImage;
  modelInput: ModelInput | null;
  skipped?: SkippedImage;
}

/**
 * Gives a collection the embeddings of another model, or of another prefilter of its own. The old ones serve until all
 * are there and take their place at once; ids stay. The same call again continues where an earlier one stopped.
 *
 * @throws PatchwordError PREFILTER_MISSING, COLLECTION_BUSY before anything is written; FILE_NOT_FOUND where the folder of
 * a source is not there, or one in it is empty; CANCELLED once the signal aborts; what store and model throw
 */
export async function reindex(options: ReindexOptions): Promise<ReindexResult> {
  const { store, inference, onProgress, onNote, signal } = options;
  const started = performance.now();
  const result: ReindexResult = { images: 0, captions: 0, skipped: [], seconds: 0 };
  const model = bindingOf(inference.info);
  if (isSameModel((await store.info()).model, model)) {
    onNote?.('The collection has the embeddings of this model: there is nothing to do.');
    return result;
  }

  const { total, done: before, abandoned } = await store.beginReindex(model);
  if (abandoned) onNote?.(`An unfinished reindex with ${abandoned.path} is given up for this one.`);
  if (before > 0) onNote?.(`${before} of ${total} pictures were embedded before; going on with the others.`);
  let done = before;
  onProgress?.({ done, total });
  const unreadable: number[] = [];
  const sources = new SourceCheck();
  await embedInBatches({
    items: mapAhead(pendingImages(store), PREPARATION, (image) => prepare(options, image, sources)),
    signal,
    embed: (batch) => embed(inference, batch),
    async write(reembeddings, batch) {
      await store.putReembeddings(reembeddings);
      for (const { image, modelInput, skipped } of batch) {
        result.captions += image.captions.length;
        if (modelInput) result.images += 1;
        if (!skipped) continue;
        result.skipped.push(skipped);
        unreadable.push(image.imageId);
      }
      done += batch.length;
      onProgress?.({ done, total });
    },
  });
  if (signal?.aborted) {
    throw new PatchwordError('CANCELLED', `Stopped after ${done} of ${total} pictures; they are kept.`, {
      hint: 'Run the same command again to continue; until it is done the collection is searched as before.',
    });
  }
  await store.finishReindex({ unreadable });
  await store.flush();
  result.seconds = (performance.now() - started) / 1000;
  return result;
}

async function* pendingImages(store: Store): AsyncGenerator<PendingImage> {
  for (let after = 0; ;) {
    const page = await store.pendingImages({ after, limit: BATCH });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < BATCH) return;
    after = last.imageId;
  }
}

/** From the cache of model inputs, or else from the original, which what is embedded already does not need. */
async function prepare(
  { inference, allowMissing, signal }: ReindexOptions,
  image: PendingImage,
  sources: SourceCheck,
): Promise<Prepared> {
  if (image.modelInput || image.embedded) return { image, modelInput: image.modelInput };
  if (!allowMissing) await sources.require(image.root);
  try {
    return { image, modelInput: await prepareStored(inference, image, { priority: 'background', signal }) };
  } catch (error) {
    const isGone = error instanceof PatchwordError && error.code === 'FILE_NOT_FOUND';
    if (isGone && !allowMissing) await sources.look(image.root, image.location.file);
    const file = originalFile(image.root, image.location);
    return { image, modelInput: null, skipped: { file, reason: reasonToSkip(error, file) } };
  }
}

/**
 * Tells a source whose disk is not connected, or a part of it that is on one, from a source that lost some files: a swap would
 * make all that comes from there unsearchable. Each folder is looked at once.
 */
class SourceCheck {
  readonly #roots = new Map<string, Promise<void>>();
  readonly #emptied = new Map<string, EmptyFolders>();

  /** @throws PatchwordError FILE_NOT_FOUND where there is nothing in a source's folder */
  require(root: string): Promise<void> {
    const checked = this.#roots.get(root) ?? requireFiles(root);
    this.#roots.set(root, checked);
    return checked;
  }

  /** @throws PatchwordError FILE_NOT_FOUND where there is nothing in the folder of a file that is gone */
  async look(root: string, file: string): Promise<void> {
    const emptied = this.#emptied.get(root) ?? new EmptyFolders(root);
    this.#emptied.set(root, emptied);
    await emptied.look(file);
    if (emptied.first !== null) throw notThere(emptied.first);
  }
}

async function requireFiles(root: string): Promise<void> {
  const names = await readdir(root).catch(() => []);
  if (names.length === 0) throw notThere(root);
}

function notThere(folder: string): PatchwordError {
  return new PatchwordError(
    'FILE_NOT_FOUND',
    `${folder}, where pictures of the collection come from, is not there or empty.`,
    {
      hint:
        'Connect its disk or put it back (if its pictures were deleted, remove it), and run the same command again; ' +
        'or add --allow-missing to go on, with those pictures not searchable until they are back.',
    },
  );
}

async function embed(inference: Inference, batch: Prepared[]): Promise<Reembedding[]> {
  const texts = batch.map(({ modelInput, image }) => ({
    modelInput,
    captions: image.captions.map(({ text }) => text),
  }));
  const embeddings = await embedPictures(inference, texts);
  return batch.map(({ image, modelInput }, index) => ({
    imageId: image.imageId,
    embedding: embeddings[index].embedding,
    captions: image.captions.map(({ captionId }, at) => ({ captionId, embedding: embeddings[index].captions[at] })),
    modelInput: image.modelInput ? null : modelInput,
  }));
}
