import type { Command } from 'commander';
import { Option } from 'commander';
import { PatchwordError } from '../../src/errors.js';
import type { Filter } from '../../src/filter.js';
import { type GlobalOptions, parseFilter, wholeNumber } from '../options.js';
import { printResult } from '../output.js';
import { describeCount } from '../text.js';

interface RemoveOptions extends GlobalOptions {
  collection: string;
  filter?: Filter;
}

const imageId = wholeNumber({ min: 1, max: 2 ** 32 - 1 });

export function addRemoveCommand(program: Command): void {
  const command = program
    .command('remove')
    .description('take images out of a collection; indexing does not bring them back')
    .argument('[ids...]', 'ids of images, as search --json prints them', (value: string, ids: number[] | undefined) => [
      ...(ids ?? []),
      imageId(value),
    ])
    .requiredOption('--collection <name>', 'the collection')
    .addOption(new Option('--filter <json>', 'all images that this lets through').argParser(parseFilter));
  command.action(async (ids: number[]) => {
    const options = command.optsWithGlobals<RemoveOptions>();
    const which = toChoice(ids, options.filter);
    const { withCatalog } = await import('../opening.js');
    const { removeImages } = await import('../removal.js');
    const result = await withCatalog(options, (store) => removeImages(store, which));
    printResult(result, options, ({ removed }) => {
      const again = `patchword restore --collection ${options.collection}`;
      return `${describeCount(removed, 'image')} removed; "${again}" lets them be indexed again.`;
    });
  });
}

function toChoice(ids: number[], filter: Filter | undefined): { ids: number[] } | { filter: Filter } {
  if (ids.length > 0 && filter === undefined) return { ids };
  if (ids.length === 0 && filter !== undefined) return { filter };
  throw new PatchwordError(
    'INVALID_ARGUMENT',
    `Expected ids of images or --filter, got ${filter === undefined ? 'neither' : 'both'}.`,
    { hint: 'For example: patchword remove --collection photos 17 18' },
  );
}
