import path from 'node:path';
import { evaluate, type EvaluationEvents, type EvaluationOptions } from '../src/evaluation/evaluation.js';
import { closePool, openPool } from '../src/evaluation/pool.js';
import type { RetrievalResult } from '../src/evaluation/result.js';
import { cacheFolder } from '../src/paths.js';
import { openPictures, readSplit } from './evaluation.js';
import { resolveModel } from './models.js';
import { openAsked } from './opening.js';
import type { ModelOptions } from './options.js';
import { describeSeconds, type ProgressDisplay, showProgress } from './progress.js';
import type { SourceOptions } from './readers/reader.js';
import { describeReader } from './readers/source.js';
import { describeCount } from './text.js';

type Chosen = Pick<
  EvaluationOptions,
  'protocol' | 'captions' | 'candidates' | 'exhaustive' | 'queries' | 'seed' | 'allowMissing'
>;

export interface EvaluatingOptions extends Chosen, SourceOptions, Omit<ModelOptions, 'json'> {
  dataset: string;
  split?: string;
  /** Default: below the cache folder. */
  work?: string;
  signal: AbortSignal;
  printNotes: (lines: string[]) => void;
}

/** Evaluates a model on a dataset, and shows on stderr how it goes. @throws PatchwordError as `evaluate` */
export async function runEvaluation(options: EvaluatingOptions): Promise<RetrievalResult> {
  const { signal, printNotes } = options;
  const model = await resolveModel(options.model);
  const reader = await openAsked(options.dataset, options);
  printNotes([describeReader(reader)]);
  const display = new Display();
  const models = await openPool({ model, device: options.device, precision: options.precision });
  try {
    printNotes([...models[0].info.notes]);
    const listing = await readSplit(reader, {
      split: options.split,
      signal,
      onProgress: (progress) => display.show('Reading', 'pictures', progress),
    });
    display.stop();
    printNotes(listing.notes);
    const { protocol, captions, candidates, exhaustive, queries, seed, allowMissing } = options;
    return await evaluate({
      protocol,
      captions,
      candidates,
      exhaustive,
      queries,
      seed,
      allowMissing,
      models,
      dataset: {
        name: path.basename(reader.path),
        path: reader.path,
        root: reader.root,
        format: reader.format,
        split: listing.split,
      },
      listed: listing.listed,
      missing: listing.missing,
      notes: listing.notes,
      open: (split) => openPictures(models, reader.root, split),
      work: options.work ?? path.join(cacheFolder(), 'evaluations'),
      signal,
      ...eventsOf(display, printNotes),
    });
  } finally {
    display.stop();
    await closePool(models);
  }
}

function eventsOf(display: Display, printNotes: (lines: string[]) => void): EvaluationEvents {
  return {
    onNote: (line) => printNotes([line]),
    onPlan({ pairs, reused }) {
      display.stop();
      const kept = reused > 0 ? `, ${reused} of them scored before` : '';
      printNotes([`The joint model reads ${describeCount(pairs, 'pair')}${kept}.`]);
    },
    onEstimate({ pairsPerSecond, secondsLeft }) {
      display.stop();
      printNotes([`At ${Math.round(pairsPerSecond)} pairs/s that takes ${describeSeconds(secondsLeft)} more.`]);
    },
    onProgress(what, progress) {
      if (what === 'embedding') display.show('Embedding', 'texts and pictures', progress);
      else display.show('Scoring', 'pairs', progress);
    },
  };
}

/** One display at a time. */
class Display {
  private shown: { label: string; display: ProgressDisplay } | undefined;

  show(label: string, unit: string, progress: { done: number; total: number }): void {
    if (progress.total === 0) return;
    if (this.shown?.label !== label) {
      this.stop();
      this.shown = { label, display: showProgress({ label, unit }) };
    }
    this.shown.display.update(progress);
  }

  stop(): void {
    this.shown?.display.stop();
    this.shown = undefined;
  }
}
