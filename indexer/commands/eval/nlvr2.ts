import type { Command } from 'commander';
import type { Nlvr2Result } from '../../evaluation/nlvr2.js';
import { addDeviceOptions, addModelOption, type ModelOptions } from '../../options.js';
import { printResult } from '../../output.js';
import { formatTable } from '../../text.js';
import { describeMissing, whileShown } from './asking.js';

interface Nlvr2CommandOptions extends ModelOptions {
  annotations: string;
  images: string;
  predictions?: string;
  allowMissing?: boolean;
}

export function addNlvr2Command(evaluation: Command): void {
  const command = evaluation
    .command('nlvr2')
    .description('measure NLVR2 accuracy and consistency from its standard files (needs an NLVR2 head)')
    .requiredOption('--annotations <file>', 'dev.json or test1.json')
    .requiredOption('--images <folder>', 'the pictures: dev-850-0-img0.png, …')
    .option('--predictions <file>', "write what the model says, as NLVR2's evaluation takes it")
    .option('--allow-missing', 'go on without pictures that cannot be read, and say so in the result');
  addDeviceOptions(addModelOption(command)).action(async () => {
    const options = command.optsWithGlobals<Nlvr2CommandOptions>();
    const { evaluateNlvr2 } = await import('../../evaluation/nlvr2.js');
    const result = await whileShown({ ...options, unit: 'examples' }, (running) =>
      evaluateNlvr2({ ...options, ...running }),
    );
    printResult(result, options, describeNlvr2);
  });
}

function describeNlvr2({ examples, accuracy, statements, consistency, missing }: Nlvr2Result): string {
  const table = formatTable([
    ['measure', 'of', '%'],
    ['accuracy', `${examples} examples`, accuracy?.toFixed(2) ?? null],
    ['consistency', `${statements} statements`, consistency?.toFixed(2) ?? null],
  ]);
  return [table, ...describeMissing(missing)].join('\n');
}
