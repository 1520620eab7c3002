import type { Command } from 'commander';
import type { GlobalOptions } from '../../options.js';
import { printResult } from '../../output.js';
import { printable } from '../../text.js';

export function addReportCommand(evaluation: Command): void {
  const command = evaluation
    .command('report')
    .description('write the page of a saved result: tables, plots and the worst queries in one file')
    .argument('<result>', 'what patchword eval --json printed')
    .requiredOption('--output <file>', 'the page to write, such as report.html');
  command.action(async (from: string) => {
    const options = command.optsWithGlobals<GlobalOptions & { output: string }>();
    const { readResult } = await import('../../evaluation/saved.js');
    const { writeReport } = await import('../../evaluation/report.js');
    const { output } = options;
    const written = await writeReport({ result: await readResult(from), file: output });
    printResult({ report: output, ...written }, options, () => `Written to ${printable(output)}`);
  });
}
