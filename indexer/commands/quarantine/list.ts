import type { Command } from 'commander';
import type { GlobalOptions } from '../../options.js';
import { printResult } from '../../output.js';
import type { QuarantineEntry } from '../../quarantine.js';
import { printable } from '../../text.js';

export function addQuarantineListCommand(quarantine: Command): void {
  const command = quarantine
    .command('list')
    .description('each entry of its sources that could not be indexed, with the reason')
    .argument('<name>', 'the collection');
  command.action(async (collection: string) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const { withCatalog } = await import('../../opening.js');
    const { listQuarantine } = await import('../../quarantine.js');
    const quarantined: QuarantineEntry[] = [];
    await withCatalog({ ...options, collection }, async (store) => {
      for await (const entry of listQuarantine(store)) quarantined.push(entry);
    });
    printResult({ quarantined }, options, describeEntries);
  });
}

/** Under the path of each source its entries, one a line. */
function describeEntries({ quarantined }: { quarantined: QuarantineEntry[] }): string {
  if (quarantined.length === 0) return 'Nothing is in quarantine.';
  const lines: string[] = [];
  let last = '';
  for (const { source, file, reason } of quarantined) {
    if (source !== last) lines.push(`${printable(source)}:`);
    last = source;
    lines.push(`  ${printable(file)}: ${printable(reason)}`);
  }
  return lines.join('\n');
}
