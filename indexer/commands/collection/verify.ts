import type { Command } from 'commander';
import { PatchwordError } from '../../../src/errors.js';
import type { CheckResult, Verification } from '../../../src/store/sqlite/audit.js';
import type { GlobalOptions } from '../../options.js';
import { printResult } from '../../output.js';
import { formatTable, printable } from '../../text.js';

export function addVerifyCommand(collection: Command): void {
  const command = collection
    .command('verify')
    .description('check all that must hold of a collection; exits 1 where anything does not')
    .argument('<name>', 'the collection')
    .option('--repair', 'make anew what is derived and wrong; what is not derived is never changed');
  command.action(async (name: string) => {
    const options = command.optsWithGlobals<GlobalOptions & { repair?: boolean }>();
    const { withCollection } = await import('../../opening.js');
    const { repair } = options;
    const found = await withCollection({ ...options, collection: name }, (store) => store.verify({ repair }));
    const checks = found.checks.map((check) => ({ ...check, advice: check.advice?.replace('NAME', name) ?? null }));
    printResult({ name, ...found, checks }, options, () => describe(checks));
    if (!found.passed) throw failure(name, found);
  });
}

function describe(checks: CheckResult[]): string {
  const table = formatTable([
    ['check', 'looked at', 'wrong', ''],
    ...checks.map((check) => [
      check.name,
      check.checked === null ? null : String(check.checked),
      check.skipped === null ? String(check.failed) : null,
      stateOf(check),
    ]),
  ]);
  const found = checks.filter(({ failed }) => failed > 0);
  const details = found.flatMap(({ what, failed, examples, advice, repaired }) => [
    '',
    `Expected: ${what}. ${failed} wrong${repaired ? ', repaired' : ''}; the first:`,
    ...examples.map((example) => `  ${printable(example)}`),
    ...(advice === null ? [] : [advice]),
  ]);
  return [table, ...details].join('\n');
}

function stateOf({ failed, skipped, repaired, settles }: CheckResult): string {
  if (skipped !== null) return `not checked: ${skipped}`;
  if (failed === 0) return 'right';
  if (repaired) return 'repaired';
  return settles ? 'harmless: put right when the collection is next used' : 'WRONG';
}

function failure(name: string, { checks }: Verification): PatchwordError {
  const wrong = checks.filter(({ failed, repaired, settles }) => failed > 0 && !repaired && !settles);
  return new PatchwordError(
    'VERIFICATION_FAILED',
    `Collection "${name}" fails ${wrong.length} of ${checks.length} checks: ${wrong.map((check) => check.name).join(', ')}.`,
    { hint: wrong[0].advice?.replace('NAME', name) },
  );
}
