import type { Command } from 'commander';
import type { GlobalOptions } from '../../options.js';
import { printResult } from '../../output.js';
import { describeCount } from '../../text.js';

export function addQuarantineClearCommand(quarantine: Command): void {
  const command = quarantine
    .command('clear')
    .description('forget what is in quarantine; the next indexing tries it again')
    .argument('<name>', 'the collection');
  command.action(async (collection: string) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const { withCatalog } = await import('../../opening.js');
    const cleared = await withCatalog({ ...options, collection }, async (store) => {
      const count = await store.clearQuarantine({});
      await store.flush();
      return count;
    });
    printResult({ cleared }, options, () => `${describeCount(cleared, 'entry', 'entries')} forgotten`);
  });
}
