import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { PatchwordError } from '../errors.js';
import type { Inference } from '../inference/inference.js';
import { BUILDER_VERSION } from '../vilt/graph/version.js';
import { type EmbeddedSplit, embedSplit } from './embedding.js';
import { leaksOf } from './leak.js';
import type { PictureSource } from './picture.js';
import { type Plan, planPairs, type Wanted } from './plan.js';
import { type Embeddings, propose, similaritiesOf } from './proposal.js';
import { applyProtocol, type Benchmark, matchingsOf } from './protocol.js';
import { relevanceOf } from './ranking.js';
import { summarize } from './summary.js';
import { DIRECTIONS, type Protocol } from './names.js';
import type { RetrievalResult } from './result.js';
import { Scores } from './scores.js';
import { readScores, scorePairs, type Spent } from './scoring.js';
import { type ListedImage, makeSplit, type Split } from './split.js';
import { WorkFolder } from './work.js';

/** What is said while an evaluation runs. */
export interface EvaluationEvents {
  onNote?: (line: string) => void;
  /** What the joint model is to read, and how much of that earlier runs have scored. */
  onPlan?: (plan: { pairs: number; reused: number }) => void;
  /** Once the rate is known: what the rest will take. */
  onEstimate?: (estimate: { pairsPerSecond: number; secondsLeft: number }) => void;
  onProgress?: (what: 'embedding' | 'scoring', progress: { done: number; total: number }) => void;
}

export interface EvaluationOptions extends EvaluationEvents {
  /** Copies of the model: see openPool. */
  models: readonly Inference[];
  dataset: { name: string; path: string; root: string; format: string; split: string | null };
  /** The images of the split, in order. */
  listed: readonly ListedImage[];
  /** Why those without a content cannot be read. */
  missing: readonly { file: string; reason: string }[];
  /** What else the result should say of the split. */
  notes?: readonly string[];
  /** Opens the pictures of the split. */
  open(split: Split): PictureSource;
  protocol?: Protocol;
  /** The most captions of an image, instead of what the protocol says. */
  captions?: number;
  /** Numbers of candidates, ascending. */
  candidates?: readonly number[];
  /** Scores every query with all of its gallery. */
  exhaustive?: boolean;
  /** Draws so many queries of each direction. */
  queries?: number;
  seed?: number;
  /** Goes on without the pictures that cannot be read, and says so in the result. */
  allowMissing?: boolean;
  /** Where work is kept: a folder for all evaluations. */
  work: string;
  signal?: AbortSignal;
}

export const EVALUATION_DEFAULTS = {
  protocol: 'whole-split',
  candidates: [1, 5, 10, 20, 32],
  exhaustive: false,
  seed: 1,
  allowMissing: false,
} as const;

/** How long the thread is held between looks at what else there is to do, in milliseconds. */
const SLICE = 50;

/** What was found, for `summarize` to make tables of. */
export interface Evaluated {
  options: EvaluationOptions & Required<Pick<EvaluationOptions, keyof typeof EVALUATION_DEFAULTS>>;
  split: Split;
  benchmark: Benchmark;
  missing: { file: string; reason: string }[];
  embedded: EmbeddedSplit;
  wanted: Wanted[];
  plan: Plan;
  scores: Scores;
  /** By earlier runs, and by this one. */
  earlier: Spent;
  spent: Spent;
  notes: string[];
}

/**
 * Evaluates a model on a split: image retrieval by text and text retrieval by image, by the prefilter alone, in two stages with
 * each number of candidates, and exhaustively. Candidates come from the embeddings alone: captions are queries here.
 *
 * @throws PatchwordError FILE_NOT_FOUND where pictures cannot be read; SOURCE_INVALID without captions; INVALID_ARGUMENT where the
 *   split is not the protocol's; HEAD_MISSING; EVALUATION_BUSY; CANCELLED, after which the same call continues; DISK_FULL, READ_ONLY
 */
export async function evaluate(given: EvaluationOptions): Promise<RetrievalResult> {
  const options: Evaluated['options'] = { ...EVALUATION_DEFAULTS, ...withoutUndefined(given) };
  const { models, listed, protocol, captions } = options;
  const [{ info }] = models;
  const notes = [...(options.notes ?? [])];
  const note = (line: string) => {
    notes.push(line);
    options.onNote?.(line);
  };
  const head = info.heads.includes('rank') || info.heads.includes('itm');
  refuseMissing(options, options.missing);
  const whole = makeSplit(listed);
  requireCaptions(applyProtocol(whole, { protocol, captions }), options);
  const exhaustive = requireStages(options, { head, note });
  (await leaksOf(info, whole.pictures, options.dataset.split)).forEach(note);
  const work = WorkFolder.open({
    work: options.work,
    name: path.parse(options.dataset.name).name,
    key: {
      model: info.hash,
      settings: info.settings,
      inputSize: `${info.config.shortestEdge}/${info.config.sizeDivisor}`,
      precision: precisionKey(info),
      device: info.device,
      dataset: whole.hash,
      split: options.dataset.split,
    },
    onNote: options.onNote,
  });
  try {
    const source = options.open(whole);
    const embedded = await embedSplit({
      models,
      work,
      texts: whole.texts,
      pictures: whole.pictures.length,
      wanted: new Set(
        applyProtocol(whole, { protocol, captions }).folds.flatMap((fold) => fold.captions.map(({ id }) => id)),
      ),
      source,
      signal: options.signal,
      onProgress: (progress) => options.onProgress?.('embedding', progress),
    });
    const { split, missing } = withoutUnreadable(whole, options, embedded.unreadable);
    const benchmark = applyProtocol(split, { protocol, captions });
    requireCaptions(benchmark, options);
    const wanted = await proposeAll(benchmark, options, embedded);
    const scores = new Scores();
    const earlier = head ? readScores(work, scores) : { pairs: 0, seconds: 0 };
    const plan: Plan = head
      ? planPairs(wanted, { exhaustive, pictures: whole.pictures.length, scores })
      : { pairs: 0, missing: [] };
    const left = plan.missing.reduce((sum, { texts }) => sum + texts.length, 0);
    options.onPlan?.({ pairs: plan.pairs, reused: plan.pairs - left });
    const spent = await scorePairs({
      models,
      plan,
      texts: whole.texts,
      scores,
      work,
      source,
      signal: options.signal,
      onEstimate: options.onEstimate,
      onProgress: (progress) => options.onProgress?.('scoring', progress),
    });
    return await summarize({
      options: { ...options, exhaustive },
      ...{ split, benchmark, missing, embedded, wanted, plan, scores, earlier, spent, notes },
    });
  } finally {
    work.close();
  }
}

/** Exact graphs give what they gave, whichever version wrote them; those that round to small integers may not. */
function precisionKey({ precision }: Inference['info']): string {
  return precision === 'fp32' ? precision : `${precision}, graphs ${BUILDER_VERSION}`;
}

/** Whether every pair is scored. @throws PatchwordError HEAD_MISSING with neither a head nor a prefilter */
function requireStages(
  { models: [{ info }], exhaustive }: EvaluationOptions,
  { head, note }: { head: boolean; note: (line: string) => void },
): boolean {
  if (!head && !info.prefilter) {
    throw new PatchwordError(
      'HEAD_MISSING',
      `${info.folder} has no rank, ITM or prefilter head, so it cannot be evaluated on retrieval.`,
      { hint: 'Use a checkpoint fine-tuned for retrieval, such as dandelin/vilt-b32-finetuned-coco.' },
    );
  }
  if (!head) note('The model has neither a rank nor an ITM head: only the prefilter is evaluated.');
  if (!info.prefilter) {
    note(
      'The model has no embeddings to propose candidates by: every pair is scored. ' +
        `Fit them to captioned pictures: patchword fit --model ${info.folder} --captions SOURCE`,
    );
  }
  return head && (exhaustive === true || !info.prefilter);
}

function refuseMissing(
  { allowMissing }: EvaluationOptions,
  missing: readonly { file: string; reason: string }[],
): void {
  if (missing.length === 0 || allowMissing) return;
  const named = missing.slice(0, 10).map(({ file }) => file);
  const more = missing.length > named.length ? ` and ${missing.length - named.length} more` : '';
  throw new PatchwordError(
    'FILE_NOT_FOUND',
    `${missing.length} of the split's pictures cannot be read: ${named.join(', ')}${more}; the first: ${missing[0].reason.replace(/\.$/, '')}.`,
    {
      hint:
        'Say where the pictures are with --images, or give --allow-missing to evaluate without them: ' +
        'such figures cannot stand beside published ones.',
    },
  );
}

function requireCaptions({ folds }: Benchmark, { dataset, listed }: EvaluationOptions): void {
  if (folds.some(({ captions }) => captions.length > 0)) return;
  const of = `${dataset.path}${dataset.split === null ? '' : `, split "${dataset.split}",`}`;
  if (listed.some(({ captions }) => captions.length > 0)) {
    throw new PatchwordError('SOURCE_INVALID', `No picture of ${of} can be read, so there is nothing to evaluate on.`, {
      hint: 'Say where the pictures are with --images.',
    });
  }
  throw new PatchwordError('SOURCE_INVALID', `No picture of ${of} has a caption, so there is nothing to search with.`, {
    hint: 'docs/collections.md says where each format has its captions.',
  });
}

/** The split without contents that cannot be decoded. @throws PatchwordError FILE_NOT_FOUND unless that is allowed */
function withoutUnreadable(split: Split, options: EvaluationOptions, unreadable: ReadonlyMap<number, string>) {
  const undecoded = split.images
    .filter(({ picture }) => unreadable.has(picture))
    .map(({ name, picture }) => ({ file: name, reason: unreadable.get(picture)! }));
  const missing = [...options.missing, ...undecoded];
  refuseMissing(options, missing);
  return { split: { ...split, images: split.images.filter(({ picture }) => !unreadable.has(picture)) }, missing };
}

async function proposeAll(
  benchmark: Benchmark,
  options: EvaluationOptions & { candidates: readonly number[]; seed: number },
  embeddings: { texts: Embeddings; pictures: Embeddings },
): Promise<Wanted[]> {
  const { models, candidates, queries, seed, signal } = options;
  const sample = queries === undefined ? null : { queries, seed };
  const most = Math.max(0, ...candidates);
  const wanted: Wanted[] = [];
  let held = performance.now();
  for (const direction of DIRECTIONS) {
    for (const matching of matchingsOf(benchmark, { direction, sample })) {
      const proposals: Wanted['proposals'] = models[0].info.prefilter ? [] : null;
      for (const [query, { id }] of proposals ? matching.queries.entries() : []) {
        proposals!.push(propose(similaritiesOf(matching, id, embeddings), relevanceOf(matching, query), most));
        if (performance.now() - held < SLICE) continue;
        await nextTurn();
        held = performance.now();
        if (signal?.aborted) throw new PatchwordError('CANCELLED', 'Stopped before any pair was scored.');
      }
      wanted.push({ matching, proposals });
    }
  }
  return wanted;
}

function withoutUndefined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}
