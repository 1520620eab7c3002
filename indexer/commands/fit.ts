import { type Command, InvalidArgumentError } from 'commander';
import { PatchwordError } from '../../src/errors.js';
import { cacheFolder } from '../../src/paths.js';
import type { FitResult } from '../../src/prefilter/fit.js';
import { onInterrupt } from '../interrupt.js';
import { addDeviceOptions, addSourceOptions, type DeviceOptions, type GlobalOptions, wholeNumber } from '../options.js';
import { printNotes, printResult } from '../output.js';
import type { SourceOptions } from '../readers/reader.js';
import { describeCount, formatTable, printable } from '../text.js';

interface FitCommandOptions extends GlobalOptions, DeviceOptions, SourceOptions {
  model: string;
  captions: string;
  split?: string;
  dimension?: number;
  validation?: number;
  seed?: number;
  pairs?: number;
}

export function addFitCommand(program: Command): void {
  const command = program
    .command('fit')
    .description('make a checkpoint searchable: fit embeddings to it on captioned pictures')
    .requiredOption('--model <folder|hub-id>', 'a ViLT checkpoint without prefilter heads of its own')
    .requiredOption('--captions <source>', 'a folder of pictures with captions, or a dataset, as index takes it')
    .option('--split <name>', 'only its pictures of this split, such as train (default: all)')
    .option('--dimension <count>', 'length of the embeddings (default: 256)', wholeNumber({ min: 1, max: 4096 }))
    .option('--validation <share>', 'share of the pictures that recall is measured on (default: 0.1)', shareOf)
    .option('--seed <number>', 'decides which pictures those are (default: 1)', wholeNumber({ min: 0 }))
    .option(
      '--pairs <count>',
      'whole pictures until there are so many pairs of a picture and a caption (default: all)',
      wholeNumber({ min: 1 }),
    );
  addSourceOptions(command);
  addDeviceOptions(command).action(async () => {
    const options = command.optsWithGlobals<FitCommandOptions>();
    const { describeReader } = await import('../readers/source.js');
    const { openAsked, withInference } = await import('../opening.js');
    const { FIT_DEFAULTS, fitPrefilter } = await import('../../src/prefilter/fit.js');
    const { openPictures, withFitLock } = await import('../fitting.js');
    const { showProgress } = await import('../progress.js');
    const { split, dimension, validation, seed = FIT_DEFAULTS.seed, pairs } = options;
    const reader = await openAsked(options.captions, options);
    const result = await withInference(options, async (inference) => {
      printNotes([describeReader(reader)]);
      const source = await openPictures({ inference, reader, split, pairs, seed });
      const interrupt = onInterrupt();
      const progress = showProgress({ label: 'Reading', unit: 'pictures' });
      try {
        const onProgress = progress.update.bind(progress);
        const { signal } = interrupt;
        const options = { inference, source, dimension, validation, seed, onProgress, signal };
        return await withFitLock({ cache: cacheFolder(), hash: inference.info.hash }, () => fitPrefilter(options));
      } finally {
        progress.stop();
        interrupt.release();
      }
    });
    printNotes(result.notes);
    // What a useless fit says is no result: only the error tells of it, and --json has the figures.
    if (!result.useless || options.json) printResult(result, options, (fit) => describeFit(fit, options.model));
    if (result.useless) throw useless(result, options.model);
  });
}

function describeFit(fit: FitResult, model: string): string {
  const { validation, recall, unfitted, control, chance, skipped } = fit;
  const columns = Object.keys(recall.textToImage) as (keyof typeof recall.textToImage)[];
  const row = (name: string, table: typeof recall.textToImage) => [name, ...columns.map((k) => table[k].toFixed(1))];
  const table = formatTable([
    ['recall, %', ...columns.map((k) => `@${k}`)],
    row('text → image: fitted', recall.textToImage),
    row('  raw cosine', unfitted.textToImage),
    row('  without the encoder', control.textToImage),
    row('  chance', chance.textToImage),
    row('image → text: fitted', recall.imageToText),
    row('  raw cosine', unfitted.imageToText),
    row('  without the encoder', control.imageToText),
    row('  chance', chance.imageToText),
  ]);
  const pooled = { first: 'token 0', mean: 'mean of the tokens', both: 'token 0 and mean of the tokens' }[fit.pooling];
  const lines = [
    `${describeCount(fit.pairs, 'pair')} of ${describeCount(fit.pictures, 'picture')}, layer ${fit.layer}, ${pooled}, ` +
      `${describeCount(fit.dimension, 'dimension')}, regularisation ${fit.regularisation}, in ${fit.seconds.toFixed(1)} s`,
    `Measured on ${describeCount(validation.pictures, 'other picture')} with ${describeCount(validation.captions, 'caption')}:`,
    table,
  ];
  if (skipped.length > 0) {
    const [{ file, reason }] = skipped;
    lines.push(`${describeCount(skipped.length, 'picture')} skipped, such as ${printable(file)}: ${printable(reason)}`);
  }
  if (fit.folder !== null) lines.push(`Written to ${printable(fit.folder)}; index with --model ${printable(model)}`);
  return lines.join('\n');
}

function useless({ recall, control, chance }: FitResult, model: string): PatchwordError {
  const at10 = (one: typeof recall) => `${one.textToImage['10'].toFixed(1)} %`;
  return new PatchwordError(
    'PREFILTER_USELESS',
    `This fit is useless and was not written: text finds its image among ten for ${at10(recall)} of the validation captions, ` +
      `for ${at10(control)} by words and patches alone, without the encoder, and for ${at10(chance)} by chance.`,
    {
      hint: `The encoder of ${model} adds little to the words and patches that go into it. Check it with patchword model verify, or fit on more pairs.`,
    },
  );
}

/** Parses a share between 0 and 1. */
function shareOf(value: string): number {
  const share = Number(value);
  if (value.trim() !== '' && share > 0 && share <= 0.5) return share;
  throw new InvalidArgumentError('Expected a share above 0, at most 0.5.');
}
