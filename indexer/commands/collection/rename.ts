import type { Command } from 'commander';
import type { GlobalOptions } from '../../options.js';
import { printResult } from '../../output.js';

export function addRenameCommand(collection: Command): void {
  const command = collection
    .command('rename')
    .description('give a collection another name')
    .argument('<name>', 'the collection')
    .argument('<new-name>', 'the name that it gets');
  command.action(async (name: string, to: string) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const { dataFolder } = await import('../../../src/paths.js');
    const { renameCollection } = await import('../../../src/store/sqlite/collections.js');
    await renameCollection({ data: dataFolder(options.data), name, to });
    printResult({ name: to, was: name }, options, () => `The collection "${name}" is now "${to}".`);
  });
}
