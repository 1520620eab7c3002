import type { Command } from 'commander';
import type { Engine } from '../../../src/engine.js';
import { onInterrupt } from '../../interrupt.js';
import { addDeviceOptions, type DeviceOptions, type GlobalOptions } from '../../options.js';
import { printNotes, printResult } from '../../output.js';
import type { RetryResult } from '../../quarantine.js';
import { describeCount, describeSkipped } from '../../text.js';

export function addQuarantineRetryCommand(quarantine: Command): void {
  const command = quarantine
    .command('retry')
    .description('try again what is in quarantine, and nothing else')
    .argument('<name>', 'the collection');
  addDeviceOptions(command).action(async (collection: string) => {
    const options = command.optsWithGlobals<GlobalOptions & DeviceOptions>();
    const { withEngine } = await import('../../opening.js');
    const result = await withEngine({ ...options, collection }, retry);
    printNotes(result.unopened.map(({ source, reason }) => `${source} was not opened: ${reason}`));
    printResult(result, options, (value) => describeResult(value, collection));
  });
}

async function retry(engine: Engine): Promise<RetryResult> {
  const { retryQuarantine } = await import('../../quarantine.js');
  const { showProgress } = await import('../../progress.js');
  const interrupt = onInterrupt();
  const progress = showProgress({ label: 'Trying again', unit: 'pictures' });
  try {
    const onProgress = (state: Parameters<typeof progress.update>[0]) => progress.update(state);
    return await retryQuarantine({ engine, signal: interrupt.signal, onProgress });
  } finally {
    progress.stop();
    interrupt.release();
  }
}

function describeResult(result: RetryResult, collection: string): string {
  const { added, updated, duplicates, quarantined, skipped } = result;
  const indexed = describeCount(added + updated + duplicates, 'picture');
  const lines = [`${indexed} indexed, ${quarantined} still in quarantine`];
  return [...lines, ...describeSkipped(skipped, { count: quarantined, collection })].join('\n');
}
