import { Command, InvalidArgumentError } from 'commander';
import { messageOf } from '../../src/errors.js';
import { STYLES } from './icons.js';
import { writeDataset } from './dataset.js';
import { DATASET_DEFAULTS, FORMATS, SPLITS, type DatasetOptions } from './options.js';
import { PAIRS } from './scene.js';

const PROGRESS_EVERY = 1000;

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

const program = new Command('scenes')
  .description('Draws illustrated scenes with five captions each, as a Karpathy dataset.')
  .requiredOption('--output <dir>', 'folder to write dataset.json and the pictures into')
  .requiredOption('--count <n>', 'how many pictures', wholeNumber)
  .option('--size <pixels>', 'side of the pictures', wholeNumber, DATASET_DEFAULTS.size)
  .option('--seed <n>', 'the same seed draws the same pictures', wholeNumber, DATASET_DEFAULTS.seed)
  .option('--styles <list>', `icon sets, of ${STYLES.join(',')}`, DATASET_DEFAULTS.styles.join(','))
  .option('--pairs <which>', `pairs of objects: ${PAIRS.join(', ')}`, DATASET_DEFAULTS.pairs)
  .option('--split <name>', `one of ${SPLITS.join(', ')}`, DATASET_DEFAULTS.split)
  .option('--format <name>', `one of ${FORMATS.join(', ')}`, DATASET_DEFAULTS.format);

program.action(async (given: Omit<DatasetOptions, 'styles'> & { styles: string }) => {
  await writeDataset({
    ...given,
    styles: given.styles.split(',').filter(Boolean) as DatasetOptions['styles'],
    onProgress: (done) => {
      if (done % PROGRESS_EVERY === 0) process.stderr.write(`${done} of ${given.count}\n`);
    },
  });
  process.stderr.write(`${given.count} pictures in ${given.output}\n`);
});

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`error: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
