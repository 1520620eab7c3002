import type { Command } from 'commander';
import { PatchwordError } from '../../../src/errors.js';
import type { CaseResult } from '../../../src/vilt/verification.js';
import { addDeviceOptions, type DeviceOptions, type GlobalOptions, nonNegativeNumber } from '../../options.js';
import { printNotes, printResult } from '../../output.js';
import { formatTable } from '../../text.js';

export function addVerifyCommand(model: Command): void {
  const command = model
    .command('verify')
    .description('compare a checkpoint with recorded cases of its reference; exits 1 above the tolerance')
    .argument('<folder|hub-id>', 'a ViLT checkpoint')
    .argument('<cases>', 'a folder of .safetensors files, or one, with tensors named in.* and out.*')
    .option('--tolerance <difference>', 'the largest difference that passes (default: 0.001)', nonNegativeNumber);
  addDeviceOptions(command).action(async (folder: string, cases: string) => {
    const options = command.optsWithGlobals<GlobalOptions & DeviceOptions & { tolerance?: number }>();
    const { resolveModel } = await import('../../models.js');
    const { VERIFICATION_TOLERANCE, verifyModel } = await import('../../../src/vilt/verification.js');
    const { tolerance = VERIFICATION_TOLERANCE, device, precision } = options;
    const model = await resolveModel(folder);
    const verification = await verifyModel({ model, cases, tolerance, device, precision });
    const passed = verification.cases.every((one) => one.passed);
    printNotes(verification.notes);
    printResult({ ...verification, tolerance, passed }, options, ({ cases }) => describeCases(cases));
    if (!passed) throw failure(verification.cases, tolerance);
  });
}

function describeCases(cases: CaseResult[]): string {
  return formatTable([
    ['case', 'largest difference', 'passed', 'of each output'],
    ...cases.map(({ name, largest, passed, outputs }) => [
      name,
      largest.toExponential(2),
      passed ? 'yes' : 'no',
      Object.entries(outputs)
        .map(([output, difference]) => `${output} ${difference.toExponential(2)}`)
        .join(', '),
    ]),
  ]);
}

function failure(cases: CaseResult[], tolerance: number): PatchwordError {
  const failed = cases.filter((one) => !one.passed);
  const largest = failed.reduce((a, b) => (b.largest > a.largest ? b : a));
  return new PatchwordError(
    'VERIFICATION_FAILED',
    `${failed.length} of ${cases.length} cases differ by more than ${tolerance}; the largest is ${largest.name} ` +
      `with ${largest.largest.toExponential(2)}.`,
  );
}
