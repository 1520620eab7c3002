import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { PatchwordError } from '../../../src/errors.js';
import type { GlobalOptions } from '../../options.js';
import { printResult } from '../../output.js';

export function addDeleteCommand(collection: Command): void {
  const command = collection
    .command('delete')
    .description(
      'delete a collection: what was indexed, and pictures that an import unpacked, not those it was indexed from',
    )
    .argument('<name>', 'the collection')
    .option('--yes', 'do not ask');
  command.action(async (name: string) => {
    const options = command.optsWithGlobals<GlobalOptions & { yes?: boolean }>();
    const { dataFolder } = await import('../../../src/paths.js');
    const { deleteCollection } = await import('../../../src/store/sqlite/collections.js');
    const { collectionFolder, collectionNotFound, isCollection, measureCollection, totalBytes } =
      await import('../../../src/store/sqlite/folders.js');
    const data = dataFolder(options.data);
    const folder = collectionFolder(data, name);
    if (!isCollection(folder)) throw await collectionNotFound(data, name);
    if (!options.yes) await confirm(name);
    const bytes = totalBytes(await measureCollection(folder));
    await deleteCollection({ data, name });
    printResult({ deleted: name, bytes }, options, () => `The collection "${name}" is deleted.`);
  });
}

/** @throws PatchwordError INVALID_ARGUMENT where there is no one to ask, CANCELLED for any answer but yes */
async function confirm(name: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new PatchwordError(
      'INVALID_ARGUMENT',
      `Deleting "${name}" needs a yes, and there is no terminal to ask on.`,
      {
        hint: `Say so: patchword collection delete ${name} --yes`,
      },
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new AbortController(); // Ctrl-C and Ctrl-D are answers too.
  for (const event of ['SIGINT', 'close']) terminal.once(event, () => ended.abort());
  const question = `Delete the collection "${name}"? The pictures it was indexed from stay; those that an import unpacked go with it. [y/N] `;
  const answer = await terminal.question(question, { signal: ended.signal }).catch(() => 'no');
  terminal.close();
  if (/^y(es)?$/i.test(answer.trim())) return;
  throw new PatchwordError('CANCELLED', 'Nothing was deleted.');
}
