import type { Command } from 'commander';
import { PatchwordError } from '../../src/errors.js';
import type { IngestOptions, IngestResult } from '../ingestion.js';
import { onInterrupt } from '../interrupt.js';
import {
  addDeviceOptions,
  addSourceOptions,
  type DeviceOptions,
  type GlobalOptions,
  sourceOptions,
} from '../options.js';
import { printNotes, printResult } from '../output.js';
import type { Reader, SourceOptions } from '../readers/reader.js';
import { describeCount, describeSkipped } from '../text.js';

interface IndexOptions extends GlobalOptions, DeviceOptions, SourceOptions {
  collection: string;
  model?: string;
  prune?: boolean;
  force?: boolean;
  watch?: boolean;
}

export function addIndexCommand(program: Command): void {
  const command = program
    .command('index')
    .description('add captioned images to a collection, or bring it up to date')
    .argument(
      '<source>',
      'a folder of pictures (captions of fox.jpg: the lines of fox.txt), or a dataset: see docs/collections.md',
    )
    .requiredOption('--collection <name>', 'the collection; made where there is none')
    .option('--model <folder|hub-id>', "a ViLT checkpoint (default: the collection's own, else the bundled model)")
    .option('--prune', 'remove what the source no longer has (default: mark it as missing)')
    .option(
      '--force',
      'let --prune remove also what may be on a disk that is not connected, or be what a damaged entry is of',
    )
    .option('--watch', 'go on, with a pass whenever something changes, until Ctrl-C');
  addSourceOptions(command);
  addDeviceOptions(command).action(async (source: string) => {
    const options = command.optsWithGlobals<IndexOptions>();
    if (options.force && !options.prune) {
      throw new PatchwordError('INVALID_ARGUMENT', '--force goes with --prune.');
    }
    const { describeReader } = await import('../readers/source.js');
    const { exceptedFolders, openAsked, withEngine } = await import('../opening.js');
    // First, so that a source that cannot be read leaves no empty collection behind.
    const reader = await openAsked(source, options);
    const { prune, force } = options;
    await withEngine({ ...options, create: true }, async (engine) => {
      printNotes([describeReader(reader)]);
      const work = { engine, source: reader, options: sourceOptions(options), prune, force };
      if (options.watch) await watch(work, { reader, except: exceptedFolders(options), options });
      else printResult(await index(work), options, (result) => describeResult(result, options.collection));
    });
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

/** A line for each pass; progress for the first, which may be long. */
async function watch(
  work: IngestOptions,
  { reader, except, options }: { reader: Reader; except: string[]; options: IndexOptions },
): Promise<void> {
  const { watchSource } = await import('../watch.js');
  const { showProgress } = await import('../progress.js');
  const interrupt = onInterrupt();
  const progress = showProgress({ label: 'Indexing', unit: 'pictures' });
  let passes = 0;
  try {
    await watchSource({
      ...work,
      reader,
      signal: interrupt.signal,
      except,
      onProgress: (state) => passes === 0 && progress.update(state),
      onPass(result) {
        if ((passes += 1) === 1) progress.stop();
        printResult(result, options, () => describeResult(result, options.collection));
        if (passes === 1) printNotes([`Watching ${reader.path}; Ctrl-C ends.`]);
      },
      onFailure: ({ message }) => printNotes([`${message} Trying again when something changes.`]),
      onNote: (line) => printNotes([line]),
    });
  } finally {
    if (passes === 0) progress.stop();
    interrupt.release();
  }
}

function describeResult(result: IngestResult, collection: string): string {
  const { added, updated, unchanged, duplicates, missing, pruned, removed, quarantined, skipped, seconds } = result;
  const some = (count: number, what: string) => (count > 0 ? [`${count} ${what}`] : []);
  const counts = [
    `${describeCount(added, 'picture')} added`,
    `${updated} updated`,
    `${unchanged} unchanged`,
    ...some(duplicates, 'that it had already'),
    ...some(missing, 'missing'),
    ...some(pruned, 'pruned'),
    ...some(removed, 'kept out'),
    ...some(quarantined, 'in quarantine'),
  ];
  const rate = seconds > 0 ? ` (${Math.round((added + updated) / seconds)} pictures/s)` : '';
  const lines = [`${counts.join(', ')} in ${seconds.toFixed(1)} s${rate}`];
  lines.push(...describeSkipped(skipped, { count: quarantined, collection }));
  if (removed > 0) lines.push(`Removed pictures stay out: patchword restore --collection ${collection} lets them in.`);
  return lines.join('\n');
}
