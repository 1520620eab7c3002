import type { Command } from 'commander';
import type { GlobalOptions } from '../../options.js';
import { printResult } from '../../output.js';
import { describeBytes, describeCount, printable } from '../../text.js';

export function addBackupCommand(collection: Command): void {
  const command = collection
    .command('backup')
    .description('write all of a collection that cannot be made again, while it is in use')
    .argument('<name>', 'the collection')
    .argument('<target>', 'a folder that is not there, or a .tar file that is not there');
  command.action(async (name: string, target: string) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const { backupCollection } = await import('../../backup.js');
    const { withCollection } = await import('../../opening.js');
    const result = await withCollection({ ...options, collection: name }, (store) =>
      backupCollection({ store, target }),
    );
    printResult({ target, ...result }, options, ({ images, captions, bytes, pictures, lost, seconds }) => {
      const what = `${describeCount(images, 'image')} and ${describeCount(captions, 'caption')} (${describeBytes(bytes)})`;
      const own = pictures > 0 ? `, with ${describeCount(pictures, 'file')} of pictures,` : '';
      const done = `${what}${own} backed up to ${target} in ${seconds.toFixed(1)} s`;
      if (lost.length === 0) return done;
      const [{ file, reason }] = lost;
      const more = lost.length > 1 ? '; --json names them all' : '';
      const gone = `${describeCount(lost.length, 'picture')} had been lost before: ${file}: ${reason}${more}`;
      return `${done}\n  ${printable(gone)}`;
    });
  });
}
