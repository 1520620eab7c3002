import type { Command } from 'commander';
import { onInterrupt } from '../interrupt.js';
import { addDeviceOptions, type DeviceOptions, type GlobalOptions } from '../options.js';
import { printNotes, printResult } from '../output.js';
import type { ReindexOptions, ReindexResult } from '../reindexing.js';
import { describeCount, describeSkipped } from '../text.js';

interface ReindexCommandOptions extends GlobalOptions, DeviceOptions {
  model?: string;
  allowMissing?: boolean;
}

export function addReindexCommand(program: Command): void {
  const command = program
    .command('reindex')
    .description('embed a collection anew, with another model or with what was fitted for its own')
    .argument('<name>', 'the collection; it is searched as before until all is done')
    .option('--model <folder|hub-id>', "a ViLT checkpoint (default: the collection's own)")
    .option('--allow-missing', 'go on where a folder of pictures is not there or empty: these are not searchable then');
  addDeviceOptions(command).action(async (collection: string) => {
    const options = command.optsWithGlobals<ReindexCommandOptions>();
    const { allowMissing } = options;
    const { withStore } = await import('../opening.js');
    const result = await withStore({ ...options, collection }, (parts) => reindex({ ...parts, allowMissing }));
    printResult(result, options, describeResult);
  });
}

async function reindex(options: ReindexOptions): Promise<ReindexResult> {
  const reindexing = await import('../reindexing.js');
  const { showProgress } = await import('../progress.js');
  const interrupt = onInterrupt();
  const progress = showProgress({ label: 'Reindexing', unit: 'pictures' });
  try {
    return await reindexing.reindex({
      ...options,
      signal: interrupt.signal,
      onProgress: (state) => progress.update(state),
      onNote: (line) => printNotes([line]),
    });
  } finally {
    progress.stop();
    interrupt.release();
  }
}

function describeResult({ images, captions, skipped, seconds }: ReindexResult): string {
  const lines = [
    `${describeCount(images, 'picture')} and ${describeCount(captions, 'caption')} embedded, ` +
      `${skipped.length} skipped in ${seconds.toFixed(1)} s`,
    ...describeSkipped(skipped),
  ];
  if (skipped.length > 0) {
    lines.push(
      'Skipped pictures keep their ids and captions. Texts do not find them until `patchword index SOURCE` can read them again.',
    );
  }
  return lines.join('\n');
}
