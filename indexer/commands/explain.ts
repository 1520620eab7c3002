import type { Command } from 'commander';
import { describeExplanation } from '../heatmap.js';
import { addDeviceOptions, addModelOption, type ModelOptions } from '../options.js';
import { printResult } from '../output.js';

export function addExplainCommand(program: Command): void {
  const command = program
    .command('explain')
    .description('show which patches of an image each word of a text is aligned with')
    .requiredOption('--text <text>', 'the text')
    .requiredOption('--image <file>', 'the image');
  addDeviceOptions(addModelOption(command)).action(async () => {
    const options = command.optsWithGlobals<ModelOptions & { text: string; image: string }>();
    const { text, image } = options;
    const { noteText, withInference } = await import('../opening.js');
    const explanation = await withInference(options, async (inference) => {
      await noteText(inference, text);
      const { modelInput } = await inference.prepare(image);
      return inference.explain({ text, image: modelInput });
    });
    printResult(explanation, options, (value) => describeExplanation(value, { width: process.stdout.columns }));
  });
}
