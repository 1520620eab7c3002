import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { PatchwordError } from '../errors.js';
import { notFinite } from '../inference/finite.js';
import type { Inference } from '../inference/inference.js';
import type { ModelInput } from '../vilt/image.js';
import { candidateLayers } from '../vilt/graph/encoder.js';
import { FeatureFiles } from './features.js';

/** One captioned picture, decoded. */
export interface CaptionedPicture {
  file: string;
  contentHash: string;
  modelInput: ModelInput;
  captions: string[];
}

/** Captioned pictures in a fixed order, which can be read from anywhere on. */
export interface PictureSource {
  /** The same for the same entries: what tells whether an interrupted run can be continued. */
  key: string;
  total: number;
  from(entry: number): AsyncIterable<CaptionedPicture | { file: string; reason: string }>;
}

export interface ExtractionOptions {
  inference: Inference;
  source: PictureSource;
  cache: string;
  onProgress?: (progress: { done: number; total: number }) => void;
  signal?: AbortSignal;
}

/** Entries whose features are computed and written together. */
const BATCH = 32;

/**
 * Features of every picture and caption of a source, on disk below the cache folder. A run that was interrupted continues,
 * batch by batch as it would have gone on, so that its features are the same.
 *
 * @throws PatchwordError CANCELLED once the signal aborts; MODEL_UNSUPPORTED where the model gives numbers that are not
 *   finite; DISK_FULL, READ_ONLY; what source and model throw
 */
export async function extractFeatures(options: ExtractionOptions): Promise<FeatureFiles> {
  const { inference, source, cache, onProgress, signal } = options;
  const { hash, settings, config, precision } = inference.info;
  const layers = candidateLayers(config);
  const key = createHash('sha256')
    .update(JSON.stringify([hash, settings, precision, layers, source.key]))
    .digest('hex');
  const files = await FeatureFiles.open({
    folder: featuresFolder({ cache, hash, key }),
    key,
    layers: layers.length,
    width: 2 * config.hiddenSize,
  });
  const progress = () => onProgress?.({ done: files.entries, total: source.total });
  let pictures: CaptionedPicture[] = [];
  let skipped: { file: string; reason: string }[] = [];
  const flush = async () => {
    const entries = pictures.length + skipped.length;
    if (entries === 0) return;
    const features = await extract(inference, pictures);
    const rows = pictures.map(({ contentHash, captions }) => ({ contentHash, captions }));
    await files.append({ entries, pictures: rows, skipped, ...features });
    [pictures, skipped] = [[], []];
    progress();
  };

  progress();
  for await (const entry of source.from(files.entries)) {
    if (signal?.aborted) break;
    if ('reason' in entry) skipped.push(entry);
    else if (entry.captions.length === 0) skipped.push({ file: entry.file, reason: 'it has no caption' });
    else pictures.push(entry);
    if (pictures.length + skipped.length === BATCH) await flush();
  }
  if (signal?.aborted) {
    throw new PatchwordError(
      'CANCELLED',
      `Stopped after ${files.entries} of ${source.total} pictures; they are kept.`,
      {
        hint: 'Run the same command again to continue.',
      },
    );
  }
  await flush();
  return files;
}

/** The unimodal passes of one batch. */
async function extract(inference: Inference, pictures: readonly CaptionedPicture[]) {
  const options = { priority: 'background' } as const;
  const images = await inference.imageFeatures(
    pictures.map(({ modelInput }) => modelInput),
    options,
  );
  const texts = await inference.textFeatures(
    pictures.flatMap(({ captions }) => captions),
    options,
  );
  const broken = pictures.findIndex((_, i) => !images[i].every(Number.isFinite));
  if (broken >= 0) throw notFinite(inference.info.folder, `states for the picture ${pictures[broken].file}`);
  if (!texts.every((text) => text.every(Number.isFinite)))
    throw notFinite(inference.info.folder, 'states for a caption');
  return { images, texts };
}

/** Of the fits of one model so many wait to be continued: a quick one on other pictures must not cost the hours of another. */
const KEPT_FITS = 2;

/** Where the features of a fit wait; those of older fits of the same model are removed. */
function featuresFolder({ cache, hash, key }: { cache: string; hash: string; key: string }): string {
  const all = path.join(cache, 'features');
  const model = hash.slice(0, 16);
  const own = `${model}-${key.slice(0, 8)}`;
  const others = existsSync(all)
    ? readdirSync(all, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && entry.name.startsWith(model) && entry.name !== own)
        .map(({ name }) => path.join(all, name))
        .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
    : [];
  for (const old of others.slice(KEPT_FITS - 1)) rmSync(old, { recursive: true, force: true });
  return path.join(all, own);
}
