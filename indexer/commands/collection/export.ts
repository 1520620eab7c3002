import { type Command, Option } from 'commander';
import type { Filter } from '../../../src/filter.js';
import type { ExportOptions, ExportResult } from '../../export.js';
import { onInterrupt } from '../../interrupt.js';
import { type GlobalOptions, parseFilter } from '../../options.js';
import { printResult } from '../../output.js';
import { describeBytes, describeCount, describeSkipped } from '../../text.js';

interface ExportCommandOptions extends GlobalOptions {
  filter?: Filter;
  allowMissing?: boolean;
}

export function addExportCommand(collection: Command): void {
  const command = collection
    .command('export')
    .description("write a collection's pictures and captions in Karpathy's layout")
    .argument('<name>', 'the collection')
    .argument('<out>', 'a folder that is not there or empty, or a .tar file that is not there')
    .addOption(new Option('--filter <json>', 'only images that this lets through').argParser(parseFilter))
    .option('--allow-missing', 'leave out images whose originals are gone or changed, rather than refuse');
  command.action(async (name: string, out: string) => {
    const options = command.optsWithGlobals<ExportCommandOptions>();
    const { filter, allowMissing } = options;
    const { withCollection } = await import('../../opening.js');
    const result = await withCollection({ ...options, collection: name }, (store) =>
      run({ store, out, filter, allowMissing }),
    );
    printResult({ out, ...result }, options, () => describe(result, out));
  });
}

async function run(options: ExportOptions): Promise<ExportResult> {
  const { exportCollection } = await import('../../export.js');
  const { showProgress } = await import('../../progress.js');
  const interrupt = onInterrupt();
  const progress = showProgress({ label: 'Exporting', unit: 'pictures' });
  try {
    return await exportCollection({
      ...options,
      signal: interrupt.signal,
      onProgress: (state) => progress.update(state),
    });
  } finally {
    progress.stop();
    interrupt.release();
  }
}

function describe({ images, captions, bytes, missing, seconds }: ExportResult, out: string): string {
  const what = `${describeCount(images, 'picture')} (${describeBytes(bytes)}) with ${describeCount(captions, 'caption')}`;
  return [`${what} written to ${out} in ${seconds.toFixed(1)} s`, ...describeSkipped(missing)].join('\n');
}
