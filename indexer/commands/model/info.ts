import path from 'node:path';
import type { Command } from 'commander';
import type { ModelInfo } from '../../../src/inference/inference.js';
import type { GlobalOptions } from '../../options.js';
import { printNotes, printResult } from '../../output.js';
import { formatTable } from '../../text.js';

export function addInfoCommand(model: Command): void {
  const command = model
    .command('info')
    .description('show what a checkpoint holds')
    .argument('<folder|hub-id>', 'a ViLT checkpoint')
    .option('--complexity', 'also count and measure what one pair costs, beside the paper');
  command.action(async (folder: string) => {
    const options = command.optsWithGlobals<GlobalOptions & { complexity?: boolean }>();
    const { resolveModel } = await import('../../models.js');
    const { inspectModel } = await import('../../../src/vilt/inspection.js');
    const info = await inspectModel(await resolveModel(folder));
    if (!options.complexity) {
      printNotes(info.notes);
      return printResult(info, options, describeInfo);
    }
    const { describeComplexity, measureComplexity } = await import('../../complexity.js');
    const { withInference } = await import('../../opening.js');
    const complexity = await withInference({ model: folder }, measureComplexity);
    printResult({ ...info, complexity }, options, (both) => {
      return `${describeInfo(both)}\n\n${describeComplexity(both.complexity)}`;
    });
  });
}

function describeInfo(info: ModelInfo): string {
  const { config, prefilter, calibration } = info;
  return formatTable([
    ['model', info.folder],
    ['weights', `${info.weights.map((file) => path.basename(file)).join(', ')} (${info.format}, sha256 ${info.hash})`],
    ['parameters', `${(info.parameters / 1e6).toFixed(1)} million`],
    ['size', `hidden ${config.hiddenSize}, ${config.layers} layers, ${config.heads} heads, patch ${config.patchSize}`],
    ['image', `shorter side ${config.shortestEdge} pixels`],
    ['text', `${config.vocabularySize} word pieces, at most ${config.maxTextLength} in a text`],
    ['heads', info.heads.join(', ') || 'none'],
    [
      'prefilter',
      prefilter === null
        ? `none: cannot be indexed until patchword fit --model ${info.folder} --captions SOURCE`
        : `${prefilter.dimension} dimensions, ${describeSource(prefilter)}`,
    ],
    ...describeRecall(prefilter),
    ['calibrated', describeCalibration(calibration)],
  ]);
}

function describeSource({ source, layer, pooling, pairs }: NonNullable<ModelInfo['prefilter']>): string {
  if (source === 'checkpoint') return 'trained with the checkpoint';
  return `fitted on ${pairs} pairs (layer ${layer}, pooling ${pooling})`;
}

function describeRecall(prefilter: ModelInfo['prefilter']): [string, string][] {
  if (!prefilter?.recall) return [];
  const { textToImage, imageToText } = prefilter.recall;
  const line = (table: typeof textToImage) =>
    Object.entries(table)
      .map(([k, percent]) => `@${k} ${percent.toFixed(1)}`)
      .join('  ');
  const of = prefilter.validation ? ` (of ${prefilter.validation.pictures} pictures)` : '';
  return [
    ['recall, %', `text → image  ${line(textToImage)}${of}`],
    ['', `image → text  ${line(imageToText)}`],
  ];
}

function describeCalibration(calibration: ModelInfo['calibration']): string {
  if (calibration === null) return 'no: matchProbability is null';
  const { measured } = calibration;
  if (!measured) return 'yes';
  const error = measured.calibrationError.pairs.toFixed(4);
  return `yes: on ${measured.queries} texts, calibration error ${error} on ${measured.validation.queries} others`;
}
