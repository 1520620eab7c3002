import { Command, InvalidArgumentError } from 'commander';
import { messageOf } from '../../src/errors.js';
import { ASPECTS } from './aspects.js';
import { BACKGROUND_NAMES } from './backgrounds.js';
import { writeDataset } from './dataset.js';
import { LAYOUT_NAMES } from './layouts.js';
import { DATASET_DEFAULTS, FORMATS, SPLITS, type DatasetOptions } from './options.js';
import { PAIRS } from './scene.js';
import { STYLES } from './styles.js';
import { captionWords } from './words.js';

const PROGRESS_EVERY = 1000;

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

const list = (text: string): readonly string[] => text.split(',').filter(Boolean);

/** "test", or "train=60000,val=1000". */
const shares = (text: string) =>
  Object.fromEntries(
    list(text).map((part) => {
      const [name = '', share = '1'] = part.split('=');
      return [name, wholeNumber(share)];
    }),
  );

const program = new Command('scenes')
  .usage('[options] | <command>')
  .description('Draws illustrated scenes with captions that are true of them.')
  .addHelpText('after', '\nWithout a command it draws; draw --help lists the options of that.');

program
  .command('draw', { isDefault: true })
  .description('draw pictures with five captions each, as a Karpathy dataset')
  .requiredOption('--output <dir>', 'folder to write dataset.json and the pictures into')
  .requiredOption('--count <n>', 'how many pictures', wholeNumber)
  .option('--size <pixels>', 'shorter side of the pictures', wholeNumber, DATASET_DEFAULTS.size)
  .option('--aspects <list>', `shapes, of ${ASPECTS.join(',')}`, list, DATASET_DEFAULTS.aspects)
  .option('--seed <n>', 'the same seed draws the same pictures', wholeNumber, DATASET_DEFAULTS.seed)
  .option('--styles <list>', `icon sets, of ${STYLES.join(',')}`, list, DATASET_DEFAULTS.styles)
  .option('--layouts <list>', `of ${LAYOUT_NAMES.join(',')} (default: all but four that fit --pairs)`, list)
  .option('--pairs <which>', `pairs of objects: ${PAIRS.join(', ')}`, DATASET_DEFAULTS.pairs)
  .option('--backgrounds <list>', `of ${BACKGROUND_NAMES.join(',')}`, list, DATASET_DEFAULTS.backgrounds)
  .option('--weather <percent>', 'of the landscapes have weather', wholeNumber, DATASET_DEFAULTS.weather)
  .option('--varied <percent>', 'of the objects whose art is varied', wholeNumber, DATASET_DEFAULTS.varied)
  .option('--twins', 'after each scene that shows a relation the same with the relation exchanged')
  .option(
    '--split <shares>',
    `of ${SPLITS.join(', ')}: "test", "train=60000,val=1000"`,
    shares,
    DATASET_DEFAULTS.splits,
  )
  .option('--format <name>', `one of ${FORMATS.join(', ')}`, DATASET_DEFAULTS.format)
  .action(async ({ split, ...given }: DatasetOptions & { split: DatasetOptions['splits'] }) => {
    await writeDataset({
      ...given,
      splits: split,
      onProgress: (done) => {
        if (done % PROGRESS_EVERY === 0) process.stderr.write(`${done} of ${given.count}\n`);
      },
    });
    process.stderr.write(`${given.count} pictures in ${given.output}\n`);
  });

program
  .command('words')
  .description('print every word that a caption may hold, one a line')
  .action(() => {
    process.stdout.write(captionWords().join('\n') + '\n');
  });

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`error: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
