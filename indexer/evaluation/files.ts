import { readdir } from 'node:fs/promises';
import type { z } from 'zod';
import { explainSystemError, PatchwordError } from '../../src/errors.js';
import { explainIssue } from '../readers/record.js';
import { describeCount, printable } from '../text.js';

/** How many of the pictures that are not there a refusal names. */
const NAMED = 5;

/** Names of the files of a folder. */
export async function listFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    throw explainSystemError(error, folder);
  }
}

/** An entry of a file as its schema has it. @throws PatchwordError SOURCE_INVALID with its line */
export function checkEntry<T>(
  file: string,
  entry: { line: number } & ({ value: unknown } | { reason: string }),
  schema: z.ZodType<T>,
): T {
  const invalid = (reason: string) =>
    new PatchwordError('SOURCE_INVALID', `${file}:${entry.line}: ${reason}.`, {
      hint: 'Give the standard files as they were published; docs/evaluation.md says which.',
    });
  if ('reason' in entry) throw invalid(entry.reason);
  const parsed = schema.safeParse(entry.value);
  if (parsed.success) return parsed.data;
  throw invalid(explainIssue(parsed.error));
}

/** @throws PatchwordError FILE_NOT_FOUND that names the first of the missing pictures */
export function refuseMissing(missing: readonly string[], folder: string): void {
  if (missing.length === 0) return;
  const named = missing.slice(0, NAMED).map(printable).join(', ');
  const more = missing.length > NAMED ? `, … and ${missing.length - NAMED} more` : '';
  throw new PatchwordError(
    'FILE_NOT_FOUND',
    `${describeCount(missing.length, 'picture')} cannot be found in ${folder}: ${named}${more}.`,
    { hint: 'Check --images, or go on without them with --allow-missing.' },
  );
}
