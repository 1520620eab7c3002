import type { Engine } from '../engine.js';
import { PatchwordError } from '../errors.js';
import type { Filter } from '../filter.js';
import { cacheFolder } from '../paths.js';
import { matchProbability } from '../calibration.js';
import { writeCalibration, type Calibration, type Measurement } from '../vilt/calibration.js';
import { CANDIDATES, findCandidates, type Found } from './candidates.js';
import { fitLogistic, type Coefficients, type Example } from './logistic.js';
import { drawQueries } from './queries.js';
import { calibrationError, chooseThreshold, detect, type BestProbabilities } from './reliability.js';

export interface CalibrateOptions {
  engine: Engine;
  /** Only pictures of this split; default: all. */
  split?: string;
  /** Captions to search for: half are fitted on, half measured on. */
  queries?: number;
  /** Decides which captions those are. */
  seed?: number;
  /** Where a calibration goes that cannot lie beside the model. */
  cache?: string;
  onProgress?: (progress: { done: number; total: number }) => void;
  signal?: AbortSignal;
}

export const CALIBRATE_DEFAULTS = { queries: 500, seed: 1 };

export interface CalibrationResult extends Calibration {
  measured: Measurement;
  /** The file that was written. */
  file: string;
  /** Lines worth telling the user. */
  notes: string[];
  seconds: number;
}

/** Half of them say little enough. */
const LEAST_QUERIES = 40;
/** What the threshold reaches where it is chosen, so that it reaches nine tenths elsewhere. */
const PRECISION = 0.95;

/**
 * Fits matchProbability to a model: captions of a collection are searched for, and a candidate is a match where it has the caption.
 * The calibration is written beside the model; whoever opens it from now on uses it.
 *
 * @throws PatchwordError HEAD_MISSING for a model that scores no pairs; SOURCE_INVALID where there is too little to fit to;
 *   MODEL_UNSUPPORTED for scores that are not finite; CANCELLED; what a search and writeCalibration throw
 */
export async function calibrate(options: CalibrateOptions): Promise<CalibrationResult> {
  const started = performance.now();
  const { engine, split, queries = CALIBRATE_DEFAULTS.queries, seed = CALIBRATE_DEFAULTS.seed, onProgress } = options;
  const { info } = engine.inference;
  requireMatchHead(info);
  const filter: Filter | undefined = split === undefined ? undefined : { field: 'split', eq: split };
  const { drawn, pictures } = await drawQueries(engine.store, { queries, seed, filter });
  if (drawn.length < LEAST_QUERIES) {
    const of = split === undefined ? '' : ` of split "${split}"`;
    throw insufficient(
      `A calibration needs at least ${LEAST_QUERIES} different captions to search for; it got ${drawn.length}, of ${pictures} pictures${of}.`,
    );
  }

  const halves: [Found[], Found[]] = [[], []];
  for (const [i, query] of drawn.entries()) {
    onProgress?.({ done: i, total: drawn.length });
    const found = findCandidates(engine, query, { filter, signal: options.signal });
    halves[i % 2].push(await found.catch((error: unknown) => explain(error, i, drawn.length)));
  }
  onProgress?.({ done: drawn.length, total: drawn.length });

  const [fitted, validated] = halves.map(examplesOf);
  for (const half of [fitted, validated]) requireBoth(half);
  const coefficients = fitLogistic(fitted);
  const best = halves.map((half) => bestOf(half, coefficients));
  const threshold = chooseThreshold(best[0], PRECISION);
  const probabilities = (examples: readonly Example[]) =>
    examples.map((example) => ({ probability: probabilityOf(example, coefficients), match: example.match }));
  const measured: Measurement = {
    model: info.hash,
    prefilter: info.prefilter!.hash,
    precision: info.precision,
    pictures,
    split: split ?? null,
    candidates: CANDIDATES,
    seed,
    queries: halves[0].length,
    ...countOf(fitted),
    validation: { queries: halves[1].length, ...countOf(validated) },
    calibrationError: {
      pairs: calibrationError(probabilities(validated)),
      best: calibrationError(halves[1].flatMap(({ candidates }) => highest(probabilities(candidates)))),
    },
    nothingMatches:
      threshold === null || best[1].absent.length === 0
        ? null
        : { threshold, ...detect(threshold, best[1]), queries: best[1].absent.length },
  };
  const calibration = { ...coefficients, measured };
  const { folder, hash } = info;
  const file = await writeCalibration({ folder, hash, cache: options.cache ?? cacheFolder() }, calibration);
  const notes = notesOf(measured, coefficients);
  return { ...calibration, file, notes, seconds: (performance.now() - started) / 1000 };
}

/** Of each text as it is. */
const examplesOf = (half: readonly Found[]) => half.flatMap(({ candidates }) => candidates);

const probabilityOf = (example: Example, coefficients: Coefficients) => matchProbability(coefficients, example)!;

const countOf = (examples: readonly Example[]) => ({
  pairs: examples.length,
  matches: examples.filter(({ match }) => match).length,
});

/** Of the texts that were asked both ways. */
function bestOf(half: readonly Found[], coefficients: Coefficients): BestProbabilities {
  const both = half.filter(({ candidates, without }) => candidates.length > 0 && without !== null);
  const best = (examples: readonly Example[]) => Math.max(...examples.map((one) => probabilityOf(one, coefficients)));
  return {
    present: both.map(({ candidates }) => best(candidates)),
    absent: both.map(({ without }) => best(without!)),
  };
}

function highest<T extends { probability: number }>(forecasts: readonly T[]): T[] {
  return forecasts.length === 0 ? [] : [forecasts.reduce((a, b) => (b.probability > a.probability ? b : a))];
}

function notesOf({ nothingMatches }: Measurement, { matchScore }: Coefficients): string[] {
  const notes: string[] = [];
  if (matchScore <= 0) {
    notes.push(
      'A higher match score does not make a match more probable: the head that scores pairs looks untrained, or broken.',
    );
  }
  if (nothingMatches === null) {
    notes.push(`That nothing matches cannot be told at ${100 * PRECISION} % precision, so it has no threshold.`);
  }
  return notes;
}

function requireMatchHead({ heads, folder }: Engine['inference']['info']): void {
  if (heads.includes('rank') || heads.includes('itm')) return;
  throw new PatchwordError(
    'HEAD_MISSING',
    `${folder} has neither a rank nor an ITM head, so it has no match score to calibrate.`,
    {
      hint: 'Use a checkpoint fine-tuned for retrieval, such as dandelin/vilt-b32-finetuned-coco.',
    },
  );
}

/** @throws PatchwordError SOURCE_INVALID */
function requireBoth(examples: readonly Example[]): void {
  const { pairs, matches } = countOf(examples);
  if (matches > 0 && matches < pairs) return;
  if (pairs === 0) throw insufficient('No picture of the collection can be read any more, so no pair could be scored.');
  const all = matches === 0 ? 'no candidate has the caption that it was found by' : 'every candidate has the caption';
  throw insufficient(`Of ${pairs} pairs, ${all}: they show nothing of what makes a match.`);
}

function insufficient(message: string): PatchwordError {
  return new PatchwordError('SOURCE_INVALID', message, {
    hint: 'Calibrate on hundreds of pictures, each with captions that tell it from the others.',
  });
}

function explain(error: unknown, done: number, total: number): never {
  if (!(error instanceof PatchwordError && error.code === 'CANCELLED')) throw error;
  throw new PatchwordError('CANCELLED', `Stopped after ${done} of ${total} texts; no calibration was written.`);
}
