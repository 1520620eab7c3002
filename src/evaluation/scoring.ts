import { PatchwordError } from '../errors.js';
import type { Inference } from '../inference/inference.js';
import type { ModelInput } from '../vilt/image.js';
import { type PictureSource, requireInput } from './picture.js';
import type { Plan } from './plan.js';
import type { Scores } from './scores.js';
import type { WorkFolder } from './work.js';

export interface ScoringOptions {
  /** Copies of one model, each of which runs batches of its own. */
  models: readonly Inference[];
  plan: Plan;
  texts: readonly string[];
  /** Receives what is scored, beside the work folder. */
  scores: Scores;
  work: WorkFolder;
  source: PictureSource;
  signal?: AbortSignal;
  /** Once, after the first seconds: what the rest will take. */
  onEstimate?: (estimate: { pairsPerSecond: number; secondsLeft: number }) => void;
  onProgress?: (progress: { done: number; total: number }) => void;
}

export interface Spent {
  pairs: number;
  seconds: number;
}

/** Positions of a batch at most: 16 pairs of the bundled model. More were not faster, and pad more (bench/scoring.ts). */
const POSITIONS_A_BATCH = 1024;
/** How long what was scored waits to be written, in seconds, and how many pairs. */
const SHARD = { seconds: 20, pairs: 500_000 } as const;
/** After so many seconds of scoring the rate is known. */
const ESTIMATE_AFTER = 3;
/** Batches that a model is given at a time: the next one lies ready when it has done one. */
const AHEAD = 2;

/** Texts of like length with one image: the image is embedded once, and little is padding. */
interface Batch {
  picture: number;
  image: ModelInput;
  texts: number[];
}

/**
 * Scores the missing pairs of a plan, content by content, and keeps them in the work folder as they come.
 *
 * @returns what it took
 * @throws PatchwordError CANCELLED once the signal aborts, with all that was scored kept; MODEL_UNSUPPORTED for a score that is
 *   not a number; DISK_FULL, READ_ONLY; IMAGE_UNREADABLE; what the models throw
 */
export async function scorePairs(options: ScoringOptions): Promise<Spent> {
  const { models, plan, scores, signal, onEstimate, onProgress } = options;
  const total = plan.missing.reduce((sum, { texts }) => sum + texts.length, 0);
  if (total === 0) return { pairs: 0, seconds: 0 };
  await warmUp(options);
  const output = new Output(options.work, scores);
  const batches = shareBetween(batchesOf(options));
  const state = { failed: false, estimated: false };
  onProgress?.({ done: 0, total });
  const work = async (model: Inference) => {
    for (;;) {
      if (state.failed || signal?.aborted) return;
      const batch = await batches();
      if (!batch) return;
      output.add(batch, await score(model, options.texts, batch));
      onProgress?.({ done: output.pairs, total });
      const { seconds, pairs } = output;
      if (!state.estimated && seconds >= ESTIMATE_AFTER) {
        state.estimated = true;
        onEstimate?.({ pairsPerSecond: pairs / seconds, secondsLeft: ((total - pairs) * seconds) / pairs });
      }
    }
  };
  const workers = models.flatMap((model) => Array.from({ length: AHEAD }, () => work(model)));
  const fail = (error: unknown) => {
    state.failed = true;
    throw error;
  };
  const outcomes = await Promise.allSettled(workers.map((worker) => worker.catch(fail)));
  output.flush();
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure) throw failure.reason;
  if (signal?.aborted) {
    throw new PatchwordError('CANCELLED', `Stopped after ${output.pairs} of ${total} pairs; they are kept.`, {
      hint: 'Run the same command again to continue.',
    });
  }
  return { pairs: output.pairs, seconds: output.seconds };
}

/** Loads what a first run loads, which is not part of the rate. */
async function warmUp({ models, plan, texts, source }: ScoringOptions): Promise<void> {
  const [{ picture, texts: own }] = plan.missing;
  const pair = { text: texts[own[0]], image: await requireInput(source, picture) };
  await Promise.all(models.map((model) => model.matchScores([pair], { priority: 'background' })));
}

/** Scores on their way to the disk. */
class Output {
  pairs = 0;
  private waiting: { picture: number; texts: number[]; scores: Float32Array }[] = [];
  private count = 0;
  private flushed = 0;
  private readonly started = performance.now();

  constructor(
    private readonly work: WorkFolder,
    private readonly scores: Scores,
  ) {}

  get seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  add({ picture, texts }: Batch, scores: Float32Array): void {
    this.waiting.push({ picture, texts, scores });
    this.count += texts.length;
    this.pairs += texts.length;
    if (this.count >= SHARD.pairs || this.seconds - this.flushed >= SHARD.seconds) this.flush();
  }

  flush(): void {
    if (this.count === 0) return;
    const pairs = {
      texts: Uint32Array.from(this.waiting.flatMap(({ texts }) => texts)),
      pictures: Uint32Array.from(this.waiting.flatMap(({ picture, texts }) => texts.map(() => picture))),
      scores: Float32Array.from(this.waiting.flatMap(({ scores }) => [...scores])),
    };
    const seconds = this.seconds - this.flushed;
    const body = encodeScores(pairs);
    [this.waiting, this.count, this.flushed] = [[], 0, this.flushed + seconds];
    this.work.add({ kind: 'scores', count: pairs.scores.length, seconds, body });
    this.scores.add(pairs);
  }
}

/** Puts what earlier runs have scored among the scores. @returns what it took */
export function readScores(work: WorkFolder, scores: Scores): Spent {
  const spent = { pairs: 0, seconds: 0 };
  for (const { header, body } of work.read('scores')) {
    scores.add(decodeScores(body, header.count));
    spent.pairs += header.count;
    spent.seconds += header.seconds;
  }
  return spent;
}

/** Texts, contents and scores, one column after another. */
function encodeScores(pairs: { texts: Uint32Array; pictures: Uint32Array; scores: Float32Array }): Uint8Array {
  return Buffer.concat([pairs.texts, pairs.pictures, pairs.scores].map(bytesOf));
}

function decodeScores({ buffer }: Uint8Array, count: number) {
  return {
    texts: new Uint32Array(buffer, 0, count),
    pictures: new Uint32Array(buffer, 4 * count, count),
    scores: new Float32Array(buffer, 8 * count, count),
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint32Array | Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

async function score(model: Inference, texts: readonly string[], batch: Batch): Promise<Float32Array> {
  const pairs = batch.texts.map((text) => ({ text: texts[text], image: batch.image }));
  return model.matchScores(pairs, { priority: 'background' });
}

async function* batchesOf({ models, plan, texts, source }: ScoringOptions): AsyncGenerator<Batch> {
  const inputOf = (picture: number) => requireInput(source, picture);
  const [{ info }] = models;
  const lengths = new Map<number, number>();
  let next = plan.missing.length > 0 ? inputOf(plan.missing[0].picture) : null;
  for (const [i, { picture, texts: own }] of plan.missing.entries()) {
    const image = await next!;
    const following = plan.missing[i + 1];
    next = following ? inputOf(following.picture) : null;
    next?.catch(() => undefined); // reported when it is awaited
    await measureLengths(models[0], texts, own, lengths);
    const sorted = [...own].sort((a, b) => lengths.get(a)! - lengths.get(b)! || a - b);
    const longest = lengths.get(sorted.at(-1)!)!;
    const patches = Math.floor(image.width / info.config.patchSize) * Math.floor(image.height / info.config.patchSize);
    const most = Math.max(1, Math.floor(POSITIONS_A_BATCH / (longest + patches + 1)));
    const size = Math.ceil(sorted.length / Math.ceil(sorted.length / most));
    for (let from = 0; from < sorted.length; from += size) {
      yield { picture, image, texts: sorted.slice(from, from + size) };
    }
  }
}

/** Tokens of each text, found once. */
async function measureLengths(
  model: Inference,
  texts: readonly string[],
  wanted: Uint32Array,
  lengths: Map<number, number>,
): Promise<void> {
  const unknown = wanted.filter((text) => !lengths.has(text));
  for (let from = 0; from < unknown.length; from += 256) {
    const part = [...unknown.subarray(from, from + 256)];
    const found = await Promise.all(part.map((text) => model.tokenize(texts[text], { priority: 'background' })));
    found.forEach(({ tokens }, i) => lengths.set(part[i], tokens.length));
  }
}

/** One generator for several takers, who would otherwise see each other's calls overlap. */
function shareBetween<T>(items: AsyncGenerator<T>): () => Promise<T | undefined> {
  return async () => {
    const next = await items.next(); // an async generator queues its calls
    return next.done ? undefined : next.value;
  };
}
