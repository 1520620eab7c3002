import type { Command } from 'commander';
import type { GlobalOptions } from '../../options.js';
import { printResult } from '../../output.js';

export function addCompareResultsCommand(evaluation: Command): void {
  const command = evaluation
    .command('compare')
    .description('say how two saved results of the same task differ, and how surely')
    .argument('<a>', 'what patchword eval --json printed')
    .argument('<b>', 'the same of another model, precision or version');
  command.action(async (a: string, b: string) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const { readResult } = await import('../../evaluation/saved.js');
    const { describeComparison } = await import('../../comparisontable.js');
    const { compareResults } = await import('../../../src/evaluation/comparison.js');
    const comparison = compareResults(
      { name: a, result: await readResult(a) },
      { name: b, result: await readResult(b) },
    );
    printResult(comparison, options, describeComparison);
  });
}
