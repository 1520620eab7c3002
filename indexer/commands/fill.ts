import type { Command } from 'commander';
import { describeChoices } from '../choices.js';
import { addDeviceOptions, addModelOption, type ModelOptions, wholeNumber } from '../options.js';
import { printResult } from '../output.js';
import { CHOICES } from '../../src/vilt/choice.js';

export function addFillCommand(program: Command): void {
  const command = program
    .command('fill')
    .description('fill in each [MASK] of a text about an image (needs an MLM head)')
    .requiredOption('--text <text>', 'the text: "a [MASK] on a table"')
    .requiredOption('--image <file>', 'the image')
    .option('-k <count>', 'how many words for each', wholeNumber({ min: 1, max: CHOICES }), 5);
  addDeviceOptions(addModelOption(command)).action(async () => {
    const options = command.optsWithGlobals<ModelOptions & { text: string; image: string; k: number }>();
    const { text, image, k } = options;
    const { noteText, withInference } = await import('../opening.js');
    const filled = await withInference(options, async (inference) => {
      await noteText(inference, text);
      const { modelInput } = await inference.prepare(image);
      return inference.fill({ text, image: modelInput });
    });
    printResult({ masks: filled.map((choices) => choices.slice(0, k)) }, options, ({ masks }) =>
      masks.map((choices, index) => `[MASK] ${index + 1}\n${describeChoices(choices)}`).join('\n\n'),
    );
  });
}
