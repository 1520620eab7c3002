import type { Command } from 'commander';
import { PatchwordError } from '../../src/errors.js';
import { describeChoices } from '../choices.js';
import { addDeviceOptions, addModelOption, type ModelOptions } from '../options.js';
import { printResult } from '../output.js';

export function addCompareCommand(program: Command): void {
  const command = program
    .command('compare')
    .description('say whether a statement is true of two images (needs an NLVR2 head)')
    .requiredOption('--text <statement>', 'the statement')
    .requiredOption('--image <files...>', 'the left image and the right image');
  addDeviceOptions(addModelOption(command)).action(async () => {
    const options = command.optsWithGlobals<ModelOptions & { text: string; image: string[] }>();
    const { text, image: images } = options;
    if (images.length !== 2) {
      throw new PatchwordError('INVALID_ARGUMENT', `Expected two images, got ${images.length}.`, {
        hint: 'For example: patchword compare --text "both show a dog" --image left.jpg right.jpg',
      });
    }
    const { noteText, withInference } = await import('../opening.js');
    const choices = await withInference(options, async (inference) => {
      await noteText(inference, text);
      const left = await inference.prepare(images[0]);
      const right = await inference.prepare(images[1]);
      return inference.compare({ text, images: [left.modelInput, right.modelInput] });
    });
    printResult({ choices }, options, ({ choices }) => describeChoices(choices));
  });
}
