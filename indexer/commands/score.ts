import type { Command } from 'commander';
import { scorePair } from '../../src/score.js';
import { addDeviceOptions, addModelOption, type ModelOptions } from '../options.js';
import { printNotes, printResult } from '../output.js';
import { formatTable } from '../text.js';

export function addScoreCommand(program: Command): void {
  const command = program
    .command('score')
    .description('say how well a text and an image match')
    .requiredOption('--text <text>', 'the text')
    .requiredOption('--image <file>', 'the image');
  addDeviceOptions(addModelOption(command)).action(async () => {
    const options = command.optsWithGlobals<ModelOptions & { text: string; image: string }>();
    const { withInference } = await import('../opening.js');
    const score = await withInference(options, (inference) => scorePair(inference, options));
    printNotes(score.notes);
    printResult(score, options, ({ matchScore, similarity, matchProbability }) =>
      formatTable([
        ['score', 'value'],
        ['matchScore', matchScore?.toFixed(4) ?? null],
        ['similarity', similarity?.toFixed(4) ?? null],
        ['matchProbability', matchProbability?.toFixed(4) ?? null],
      ]),
    );
  });
}
