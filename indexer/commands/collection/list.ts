import type { Command } from 'commander';
import type { CollectionSummary } from '../../../src/store/sqlite/collections.js';
import type { GlobalOptions } from '../../options.js';
import { printResult } from '../../output.js';
import { describeBytes, formatTable } from '../../text.js';

export function addListCommand(collection: Command): void {
  const command = collection.command('list').description('show the collections there are');
  command.action(async () => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const { dataFolder } = await import('../../../src/paths.js');
    const { inspectCollections } = await import('../../../src/store/sqlite/collections.js');
    const data = dataFolder(options.data);
    const collections = await inspectCollections(data);
    printResult({ collections }, options, () => describe(collections, data));
  });
}

function describe(collections: CollectionSummary[], data: string): string {
  if (collections.length === 0) return `There is no collection in ${data}.`;
  const rows = collections.map((one) =>
    'error' in one
      ? [one.name, null, null, null, one.error.message]
      : [one.name, String(one.images), String(one.captions), describeBytes(one.bytes), one.model.path],
  );
  return formatTable([['name', 'images', 'captions', 'on disk', 'model'], ...rows], { width: process.stdout.columns });
}
