import type { Command } from 'commander';
import { addDeviceOptions, addModelOption, type ModelOptions, wholeNumber } from '../options.js';
import { printResult } from '../output.js';
import { CHOICES } from '../../src/vilt/choice.js';
import { describeChoices } from '../choices.js';

export function addAnswerCommand(program: Command): void {
  const command = program
    .command('answer')
    .description('answer a question about an image (needs a VQA head)')
    .requiredOption('--text <question>', 'the question')
    .requiredOption('--image <file>', 'the image')
    .option('-k <count>', 'how many answers', wholeNumber({ min: 1, max: CHOICES }), 5);
  addDeviceOptions(addModelOption(command)).action(async () => {
    const options = command.optsWithGlobals<ModelOptions & { text: string; image: string; k: number }>();
    const { text, image, k } = options;
    const { noteText, withInference } = await import('../opening.js');
    const choices = await withInference(options, async (inference) => {
      await noteText(inference, text);
      const { modelInput } = await inference.prepare(image);
      return inference.answer({ text, image: modelInput });
    });
    printResult({ choices: choices.slice(0, k) }, options, ({ choices }) => describeChoices(choices));
  });
}
