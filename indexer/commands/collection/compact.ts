import type { Command } from 'commander';
import type { GlobalOptions } from '../../options.js';
import { printResult } from '../../output.js';
import { describeBytes } from '../../text.js';

export function addCompactCommand(collection: Command): void {
  const command = collection
    .command('compact')
    .description('give back the room of what was removed')
    .argument('<name>', 'the collection');
  command.action(async (name: string) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const { totalBytes } = await import('../../../src/store/sqlite/folders.js');
    const { withCollection } = await import('../../opening.js');
    const { before, after } = await withCollection({ ...options, collection: name }, (store) => store.compact());
    printResult({ name, before, after }, options, () => {
      return `The collection "${name}" takes ${describeBytes(totalBytes(after))}; it took ${describeBytes(totalBytes(before))}.`;
    });
  });
}
