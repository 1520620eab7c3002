import { PatchwordError } from '../errors.js';
import { requireFinite } from '../inference/finite.js';
import type { Inference } from '../inference/inference.js';
import type { ModelInput } from '../vilt/image.js';
import type { PictureSource } from './picture.js';
import type { Embeddings } from './proposal.js';
import type { ShardKind } from './shard.js';
import type { WorkFolder } from './work.js';

export interface EmbeddingOptions {
  models: readonly Inference[];
  work: WorkFolder;
  texts: readonly string[];
  /** How many distinct contents there are. */
  pictures: number;
  /** Which of the texts are needed; of contents all are. */
  wanted: ReadonlySet<number>;
  source: PictureSource;
  signal?: AbortSignal;
  onProgress?: (progress: { done: number; total: number }) => void;
}

export interface EmbeddedSplit {
  texts: Embeddings;
  pictures: Embeddings;
  /** Contents that cannot be decoded, and why. */
  unreadable: Map<number, string>;
}

/** What is embedded together, and how long that waits to be written. */
const BATCH = 32;
const SHARD_SECONDS = 20;

/**
 * Embeds texts and contents, or takes what the work folder has of them. Each content is decoded; where the model has no
 * prefilter nothing else is done, and embeddings are empty.
 *
 * @throws PatchwordError CANCELLED; MODEL_UNSUPPORTED for embeddings that are not numbers; DISK_FULL, READ_ONLY
 */
export async function embedSplit(options: EmbeddingOptions): Promise<EmbeddedSplit> {
  const { models, source, texts, wanted, signal, onProgress } = options;
  const dimension = models[0].info.prefilter?.dimension ?? 0;
  const unreadable = new Map<number, string>();
  const rows = {
    images: new Rows(options, { kind: 'images', count: options.pictures, dimension }),
    texts: new Rows(options, { kind: 'texts', count: texts.length, dimension }),
  };
  const missing = {
    images: rows.images.missing([...Array(options.pictures).keys()]),
    texts: dimension === 0 ? [] : rows.texts.missing([...wanted].sort((a, b) => a - b)),
  };
  const progress = { done: 0, total: missing.images.length + missing.texts.length };
  const step = (count: number) => onProgress?.({ ...progress, done: (progress.done += count) });
  const background = { priority: 'background' } as const;
  const run = async (output: Rows, ids: number[], embed: (model: Inference, part: number[]) => Promise<void>) => {
    try {
      await spread(models, ids, { signal, run: embed });
    } finally {
      output.flush();
    }
  };
  step(0);
  await run(rows.images, missing.images, async (model, part) => {
    const inputs: { id: number; input: ModelInput }[] = [];
    for (const id of part) {
      const input = await source.prepare(id);
      if ('reason' in input) unreadable.set(id, input.reason);
      else inputs.push({ id, input });
    }
    const all = inputs.map(({ input }) => input);
    const found = dimension > 0 ? await model.embedImages(all, background) : all.map(() => new Float32Array(0));
    inputs.forEach(({ id }, i) => rows.images.add(id, found[i]));
    step(part.length);
  });
  await run(rows.texts, missing.texts, async (model, part) => {
    const own = part.map((id) => texts[id]);
    const found = await model.embedTexts(own, background);
    part.forEach((id, i) => rows.texts.add(id, found[i].embedding));
    step(part.length);
  });
  return { texts: rows.texts.embeddings, pictures: rows.images.embeddings, unreadable };
}

/** Embeddings as they come, in memory and on their way to the disk. */
class Rows {
  readonly embeddings: Embeddings;
  private readonly known = new Set<number>();
  private readonly work: WorkFolder;
  private readonly kind: ShardKind;
  private readonly suffix: string;
  private readonly folder: string;
  private waiting: number[] = [];
  private flushed = performance.now();

  constructor(
    { models: [{ info }], work }: EmbeddingOptions,
    { kind, count, dimension }: { kind: ShardKind; count: number; dimension: number },
  ) {
    this.embeddings = { data: new Float32Array(count * dimension), dimension };
    this.work = work;
    this.kind = kind;
    this.folder = info.folder;
    this.suffix = `:${info.prefilter?.hash ?? 'none'}`;
    for (const { header, body } of work.read(kind, this.suffix)) this.take(body, header.count);
  }

  missing(wanted: number[]): number[] {
    return wanted.filter((id) => !this.known.has(id));
  }

  add(id: number, row: Float32Array): void {
    this.embeddings.data.set(requireFinite(row, this.folder, 'embeddings'), id * this.embeddings.dimension);
    this.waiting.push(id);
    if (performance.now() - this.flushed > SHARD_SECONDS * 1000) this.flush();
  }

  /** Ids, then their rows. */
  flush(): void {
    const { data, dimension } = this.embeddings;
    const seconds = (performance.now() - this.flushed) / 1000;
    const [ids, count] = [Uint32Array.from(this.waiting), this.waiting.length];
    this.flushed = performance.now();
    if (count === 0) return;
    const rows = new Float32Array(count * dimension);
    ids.forEach((id, i) => rows.set(data.subarray(id * dimension, (id + 1) * dimension), i * dimension));
    this.waiting = [];
    const body = Buffer.concat([new Uint8Array(ids.buffer), new Uint8Array(rows.buffer)]);
    this.work.add({ kind: this.kind, suffix: this.suffix, count, seconds, body });
  }

  private take({ buffer, byteLength }: Uint8Array, count: number): void {
    const { data, dimension } = this.embeddings;
    if (byteLength !== 4 * count * (1 + dimension)) return;
    const ids = new Uint32Array(buffer, 0, count);
    const rows = new Float32Array(buffer, 4 * count);
    ids.forEach((id, i) => {
      this.known.add(id);
      data.set(rows.subarray(i * dimension, (i + 1) * dimension), id * dimension);
    });
  }
}

/** Parts of the ids to whichever model is free. @throws PatchwordError CANCELLED */
async function spread(
  models: readonly Inference[],
  ids: readonly number[],
  { signal, run }: { signal: AbortSignal | undefined; run: (model: Inference, part: number[]) => Promise<void> },
): Promise<void> {
  let next = 0;
  let failed = false;
  const work = async (model: Inference) => {
    while (next < ids.length && !failed) {
      if (signal?.aborted) {
        throw new PatchwordError(
          'CANCELLED',
          'Stopped while texts and pictures were embedded; what was done is kept.',
          {
            hint: 'Run the same command again to continue.',
          },
        );
      }
      const part = ids.slice(next, (next += BATCH));
      await run(model, part).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const outcomes = await Promise.allSettled(models.map(work));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure) throw failure.reason;
}
