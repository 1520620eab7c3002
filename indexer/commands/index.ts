import type { Command } from 'commander';
import type { IngestOptions, IngestResult } from '../ingestion.js';
import { onInterrupt } from '../interrupt.js';
import { addDeviceOptions, type DeviceOptions, type GlobalOptions } from '../options.js';
import { printResult } from '../output.js';
import { describeCount, describeSkipped } from '../text.js';

interface IndexOptions extends GlobalOptions, DeviceOptions {
  collection: string;
  model?: string;
  images?: string;
}

export function addIndexCommand(program: Command): void {
  const command = program
    .command('index')
    .description('add captioned images to a collection, or bring it up to date')
    .argument('<source>', 'a folder of pictures (captions of fox.jpg: the lines of fox.txt), or a Karpathy JSON file')
    .requiredOption('--collection <name>', 'the collection; made where there is none')
    .option('--model <folder|hub-id>', "a ViLT checkpoint (default: the collection's own, else the bundled model)")
    .option('--images <folder>', 'where the pictures of a JSON file are (default: beside it, or images/ beside it)');
  addDeviceOptions(command).action(async (source: string) => {
    const options = command.optsWithGlobals<IndexOptions>();
    const { openSource } = await import('../readers/source.js');
    const { withEngine } = await import('../opening.js');
    // First, so that a source that cannot be read leaves no empty collection behind.
    const reader = await openSource({ source, images: options.images });
    const result = await withEngine({ ...options, create: true }, (engine) =>
      index({ engine, source: reader, options: { images: options.images } }),
    );
    printResult(result, options, describeResult);
  });
}

async function index(options: IngestOptions): Promise<IngestResult> {
  const { ingest } = await import('../ingestion.js');
  const { showProgress } = await import('../progress.js');
  const interrupt = onInterrupt();
  const progress = showProgress({ label: 'Indexing', unit: 'pictures' });
  try {
    return await ingest({ ...options, signal: interrupt.signal, onProgress: (state) => progress.update(state) });
  } finally {
    progress.stop();
    interrupt.release();
  }
}

function describeResult({ added, updated, unchanged, skipped, seconds }: IngestResult): string {
  const rate = seconds > 0 ? ` (${Math.round((added + updated) / seconds)} pictures/s)` : '';
  const lines = [
    `${describeCount(added, 'picture')} added, ${updated} updated, ${unchanged} unchanged, ${skipped.length} skipped ` +
      `in ${seconds.toFixed(1)} s${rate}`,
    ...describeSkipped(skipped),
  ];
  return lines.join('\n');
}
