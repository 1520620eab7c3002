import type { Command } from 'commander';
import type { ImportOptions, ImportResult } from '../../import.js';
import { onInterrupt } from '../../interrupt.js';
import { addDeviceOptions, type DeviceOptions, type GlobalOptions } from '../../options.js';
import { printNotes, printResult } from '../../output.js';
import { describeCount, describeSkipped } from '../../text.js';

export function addImportCommand(collection: Command): void {
  const command = collection
    .command('import')
    .description('make a collection of an export or of a backup')
    .argument('<from>', 'what collection export or collection backup wrote: a folder, or a .tar file')
    .argument('<name>', 'the new collection')
    .option('--model <folder|hub-id>', 'for an export: a ViLT checkpoint (default: the bundled model)');
  addDeviceOptions(command).action(async (from: string, name: string) => {
    const options = command.optsWithGlobals<GlobalOptions & DeviceOptions & { model?: string }>();
    const { dataFolder } = await import('../../../src/paths.js');
    const { resolveModel } = await import('../../models.js');
    const { device, precision } = options;
    const model = options.model === undefined ? undefined : await resolveModel(options.model);
    const result = await run({ from, name, model, device, precision, data: dataFolder(options.data) });
    printResult({ name, ...result }, options, () => describe(result, name));
  });
}

async function run(options: ImportOptions): Promise<ImportResult> {
  const { importCollection } = await import('../../import.js');
  const { showProgress } = await import('../../progress.js');
  const interrupt = onInterrupt();
  const progress = showProgress({ label: 'Importing', unit: 'pictures' });
  try {
    return await importCollection({
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

function describe({ kind, images, captions, quarantined, skipped, seconds }: ImportResult, name: string): string {
  const what = `${describeCount(images, 'picture')} and ${describeCount(captions, 'caption')}`;
  const how = kind === 'backup' ? 'from a backup' : 'from an export';
  const lines = [`${what} imported ${how} as "${name}" in ${seconds.toFixed(1)} s`];
  return [...lines, ...describeSkipped(skipped, { count: quarantined, collection: name })].join('\n');
}
