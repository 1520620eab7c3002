import type { Command } from 'commander';
import type { GlobalOptions } from '../options.js';
import { printResult } from '../output.js';
import { describeCount } from '../text.js';

export function addRestoreCommand(program: Command): void {
  const command = program
    .command('restore')
    .description('let images that were removed be indexed again')
    .argument('[hashes...]', 'SHA-256 of their files (default: all)')
    .requiredOption('--collection <name>', 'the collection');
  command.action(async (hashes: string[]) => {
    const options = command.optsWithGlobals<GlobalOptions & { collection: string }>();
    const { withCatalog } = await import('../opening.js');
    const { restoreContents } = await import('../removal.js');
    const result = await withCatalog(options, (store) => restoreContents(store, hashes));
    printResult(result, options, ({ restored }) => {
      return `${describeCount(restored, 'image')} restored: the next "patchword index" of their source brings them back.`;
    });
  });
}
