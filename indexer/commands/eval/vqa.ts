import type { Command } from 'commander';
import { PatchwordError } from '../../../src/errors.js';
import type { VqaResult } from '../../evaluation/vqa.js';
import { addDeviceOptions, addModelOption, type ModelOptions } from '../../options.js';
import { printResult } from '../../output.js';
import { describeCount, formatTable } from '../../text.js';
import { describeMissing, whileShown } from './asking.js';

interface VqaCommandOptions extends ModelOptions {
  questions: string;
  annotations?: string;
  images: string;
  predictions?: string;
  allowMissing?: boolean;
}

export function addVqaCommand(evaluation: Command): void {
  const command = evaluation
    .command('vqa')
    .description('measure VQAv2 accuracy from its standard files (needs a VQA head)')
    .requiredOption('--questions <file>', 'v2_OpenEnded_mscoco_val2014_questions.json')
    .option('--annotations <file>', 'v2_mscoco_val2014_annotations.json; not needed where only answers are wanted')
    .requiredOption('--images <folder>', 'the pictures: COCO_val2014_000000262148.jpg, …')
    .option('--predictions <file>', 'write the answers, as the evaluation server takes them')
    .option('--allow-missing', 'go on without pictures that cannot be read, and say so in the result');
  addDeviceOptions(addModelOption(command)).action(async () => {
    const options = command.optsWithGlobals<VqaCommandOptions>();
    const { annotations, predictions } = options;
    if (annotations === undefined && predictions === undefined) {
      throw new PatchwordError('INVALID_ARGUMENT', 'Without annotations there is nothing to measure.', {
        hint: 'Give --annotations FILE, or --predictions FILE to keep the answers.',
      });
    }
    const { evaluateVqa } = await import('../../evaluation/vqa.js');
    const result = await whileShown({ ...options, unit: 'questions' }, (running) =>
      evaluateVqa({ ...options, ...running }),
    );
    printResult(result, options, describeVqa);
  });
}

function describeVqa({ questions, accuracy, answerTypes, answered, missing }: VqaResult): string {
  const kinds = Object.entries(answerTypes).map(([type, kind]) => [
    type,
    `${kind.questions}`,
    kind.accuracy.toFixed(2),
  ]);
  const table = formatTable([
    ['answers', 'questions', 'accuracy, %'],
    ...kinds,
    ['all', `${questions}`, accuracy?.toFixed(2) ?? null],
  ]);
  const lines = accuracy === null ? [`${describeCount(answered, 'question')} answered`] : [table];
  return [...lines, ...describeMissing(missing)].join('\n');
}
