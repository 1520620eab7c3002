import { readFile } from 'node:fs/promises';
import { explainReading } from '../../src/errors.js';
import { parseResult, type RetrievalResult } from '../../src/evaluation/result.js';

/**
 * Reads a file of what `eval --json` printed.
 *
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID
 */
export async function readResult(file: string): Promise<RetrievalResult> {
  const json = await readFile(file, 'utf8').catch((error: unknown) => {
    throw explainReading(error, file);
  });
  return parseResult(json, file);
}
