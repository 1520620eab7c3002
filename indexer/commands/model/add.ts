import type { Command } from 'commander';
import { onInterrupt } from '../../interrupt.js';
import type { GlobalOptions } from '../../options.js';
import { printNotes, printResult } from '../../output.js';

export function addAddCommand(model: Command): void {
  const command = model
    .command('add')
    .description('download a checkpoint; the same command again continues a download')
    .argument('<hub-id>', 'such as dandelin/vilt-b32-finetuned-flickr30k');
  command.action(async (id: string) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const { addModel } = await import('../../hub.js');
    const { inspectModel } = await import('../../../src/vilt/inspection.js');
    const { showProgress } = await import('../../progress.js');
    const interrupt = onInterrupt();
    const progress = showProgress({ label: 'Downloading', unit: 'MB' });
    const onProgress = ({ bytes, totalBytes }: { bytes: number; totalBytes: number }) =>
      progress.update({ done: megabytes(bytes), total: megabytes(totalBytes) });
    try {
      const added = await addModel({ id, onProgress, signal: interrupt.signal });
      await inspectModel(added.folder); // says so now, not at first use, where the files make no model
      if (added.offline) printNotes([`The hub cannot be reached: this is the copy added before.`]);
      printResult(added, options, ({ folder, commit }) => {
        return `${id} (commit ${commit.slice(0, 12)}) is in ${folder}; use it as --model ${id}`;
      });
    } finally {
      progress.stop();
      interrupt.release();
    }
  });
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10;
}
