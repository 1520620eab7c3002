import type { Command } from 'commander';
import type { CalibrationResult } from '../../src/calibration/calibrate.js';
import type { Engine } from '../../src/engine.js';
import { PatchwordError } from '../../src/errors.js';
import { onInterrupt } from '../interrupt.js';
import { addDeviceOptions, addSourceOptions, type DeviceOptions, type GlobalOptions, wholeNumber } from '../options.js';
import { printNotes, printResult } from '../output.js';
import type { SourceOptions } from '../readers/reader.js';
import { describeCount, printable } from '../text.js';

interface CalibrateCommandOptions extends GlobalOptions, DeviceOptions, SourceOptions {
  model?: string;
  collection?: string;
  captions?: string;
  split?: string;
  pictures?: number;
  queries?: number;
  seed?: number;
}

/** Pictures that a source is searched in; more make the candidates harder, and take longer to embed. */
const PICTURES = 1000;

export function addCalibrateCommand(program: Command): void {
  const command = program
    .command('calibrate')
    .description('make match probabilities true of a checkpoint, on captioned pictures that it was not trained on')
    .option('--model <folder|hub-id>', "a ViLT checkpoint (default: the collection's)")
    .option('--collection <name>', 'a collection of captioned pictures, indexed with the checkpoint')
    .option('--captions <source>', 'instead of a collection: pictures with captions, as index takes them')
    .option('--split <name>', 'only the pictures of this split, such as val (default: all)')
    .option('--pictures <count>', `with --captions: at most so many (default: ${PICTURES})`, wholeNumber({ min: 1 }))
    .option('--queries <count>', 'captions to search for (default: 500)', wholeNumber({ min: 1, max: 100_000 }))
    .option('--seed <number>', 'decides which pictures and captions those are (default: 1)', wholeNumber({ min: 0 }));
  addSourceOptions(command);
  addDeviceOptions(command).action(async () => {
    const options = command.optsWithGlobals<CalibrateCommandOptions>();
    const { split, queries, seed } = options;
    const { calibrate } = await import('../../src/calibration/calibrate.js');
    const { withProgress } = await import('../progress.js');
    const interrupt = onInterrupt();
    const { signal } = interrupt;
    try {
      const result = await withPictures(options, signal, (engine) =>
        withProgress({ label: 'Scoring', unit: 'texts' }, (onProgress) =>
          calibrate({ engine, split, queries, seed, onProgress, signal }),
        ),
      );
      printNotes(result.notes);
      printResult(result, options, describeCalibration);
    } finally {
      interrupt.release();
    }
  });
}

/** Opens the collection, or makes one for this alone. */
async function withPictures<R>(
  options: CalibrateCommandOptions,
  signal: AbortSignal,
  work: (engine: Engine) => Promise<R>,
): Promise<R> {
  const { collection, captions, model, split, device, precision } = options;
  if (collection !== undefined && captions === undefined) {
    const { withEngine } = await import('../opening.js');
    return withEngine({ ...options, collection }, work);
  }
  if (captions === undefined || collection !== undefined || model === undefined) {
    throw new PatchwordError(
      'INVALID_ARGUMENT',
      'Expected --collection NAME, or --captions SOURCE with --model MODEL.',
      { hint: 'For example: patchword calibrate --collection photos --split val' },
    );
  }
  const { CALIBRATE_DEFAULTS } = await import('../../src/calibration/calibrate.js');
  const { openPassing } = await import('../calibration.js');
  const { resolveModel } = await import('../models.js');
  const { withProgress } = await import('../progress.js');
  const { openAsked } = await import('../opening.js');
  const { describeReader } = await import('../readers/source.js');
  const folder = await resolveModel(model);
  const reader = await openAsked(captions, options);
  printNotes([describeReader(reader)]);
  const { pictures = PICTURES, seed = CALIBRATE_DEFAULTS.seed } = options;
  const onNote = (line: string) => printNotes([line]);
  const of = { model: folder, reader, split, pictures, seed, device, precision, onNote, signal };
  const passing = await withProgress({ label: 'Reading', unit: 'pictures' }, (onProgress) =>
    openPassing({ ...of, onProgress }),
  );
  try {
    return await work(passing.engine);
  } finally {
    await passing.close();
  }
}

function describeCalibration({ matchScore, similarity, bias, measured, file }: CalibrationResult): string {
  const { validation, calibrationError, nothingMatches } = measured;
  const percent = (share: number | null) => (share === null ? '–' : `${(100 * share).toFixed(1)} %`);
  const nothing = nothingMatches
    ? `below ${nothingMatches.threshold.toFixed(3)} nothing matches: true of ${percent(nothingMatches.precision)}, ` +
      `found in ${percent(nothingMatches.detected)} of ${describeCount(nothingMatches.queries, 'text')} without their picture`
    : 'no threshold tells that nothing matches';
  return [
    `matchProbability = σ(${matchScore.toFixed(3)} · matchScore + ${similarity.toFixed(3)} · similarity ${bias < 0 ? '−' : '+'} ` +
      `${Math.abs(bias).toFixed(3)}), from ${describeCount(measured.queries, 'text')} with ${describeCount(measured.pairs, 'pair')}`,
    `Measured on ${describeCount(validation.queries, 'other text')}: calibration error ${calibrationError.pairs.toFixed(4)}, ` +
      `of the best candidate ${calibrationError.best.toFixed(4)}; ${nothing}`,
    `Written to ${printable(file)}`,
  ].join('\n');
}
