import { existsSync, readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { explainSystemError, PatchwordError } from '../errors.js';
import { makeFolder } from '../folder.js';
import { PRECISIONS } from './device.js';

const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What a calibration was fitted and measured on. */
const measurementSchema = z.object({
  /** SHA-256 that its model and prefilter must have. */
  model: sha256,
  prefilter: sha256,
  precision: z.enum(PRECISIONS),
  /** Pictures that were searched, and the only split that they are of; null for all. */
  pictures: count,
  split: z.string().nullable(),
  /** How many of the nearest pictures stand against each text. */
  candidates: count,
  seed: count,
  /** What it was fitted on; a pair is a text and a candidate, a match a pair that belongs together. */
  queries: count,
  pairs: count,
  matches: count,
  /** Other texts, on which all below was measured. */
  validation: z.object({ queries: count, pairs: count, matches: count }),
  /** Expected calibration error in ten bins: of all pairs, and of the best candidate of each text. */
  calibrationError: z.object({ pairs: share, best: share }),
  /**
   * Below `threshold` the best candidate says that nothing matches: the share of such texts whose object is in no picture (precision),
   * and of texts whose object is in no picture that are told so (detected). Of each text once with and once without the pictures
   * that have its object; null where no threshold does.
   */
  nothingMatches: z
    .object({ threshold: share, precision: share.nullable(), detected: share, queries: count })
    .nullable(),
});

const calibrationSchema = z.object({
  matchScore: z.number(),
  similarity: z.number(),
  bias: z.number(),
  measured: measurementSchema.optional(),
});

const recordSchema = z.looseObject({ calibration: calibrationSchema.nullish() });

/** matchProbability = 1 / (1 + exp(-(matchScore · m + similarity · s + bias))) */
export type Calibration = z.infer<typeof calibrationSchema>;
export type Measurement = z.infer<typeof measurementSchema>;

const RECORD = 'patchword.json';

interface Located {
  /** Of the model. */
  folder: string;
  /** SHA-256 of its weights. */
  hash: string;
  cache: string;
}

/**
 * The calibration of a model: the one in the cache, which was made because that beside the weights could not be written, else
 * that one. A calibration for other weights or another prefilter is not used, and `refusal` says so in one line.
 *
 * @param prefilterHash null for a model without embeddings
 * @throws PatchwordError MODEL_INCOMPLETE for a file that is not as it should be
 */
export function readCalibration(located: Located & { prefilterHash: string | null }): {
  calibration: Calibration | null;
  refusal: string | null;
} {
  let refusal: string | null = null;
  for (const file of recordFiles(located).reverse()) {
    const calibration = parseRecord(file)?.calibration;
    if (!calibration) continue;
    const { model = located.hash, prefilter = located.prefilterHash } = calibration.measured ?? {};
    if (model === located.hash && prefilter === located.prefilterHash) return { calibration, refusal: null };
    const other = model === located.hash ? 'another prefilter' : 'other weights';
    refusal ??= `The calibration in ${file} is not used: it was made for ${other}. Make it anew: patchword calibrate --model ${located.folder} --captions SOURCE`;
  }
  return { calibration: null, refusal };
}

/**
 * Writes a calibration into patchword.json beside a checkpoint, or in the cache where its folder cannot be written. What else the
 * file says stays, but for what it said of an earlier calibration.
 *
 * @returns the file
 * @throws PatchwordError DISK_FULL, READ_ONLY; MODEL_INCOMPLETE where the file is there and is not as it should be
 */
export async function writeCalibration(located: Located, calibration: Calibration): Promise<string> {
  const [beside, cached] = recordFiles(located);
  try {
    await writeRecord(beside, calibration);
    await rm(cached, { force: true }); // an older one, which would be read first
    return beside;
  } catch (error) {
    if (!(error instanceof PatchwordError && error.code === 'READ_ONLY')) throw error;
    await writeRecord(cached, calibration);
    return cached;
  }
}

async function writeRecord(file: string, calibration: Calibration): Promise<void> {
  const record: Record<string, unknown> = { ...parseRecord(file), calibration };
  delete record.calibrationError; // where a file without `measured` has that of its calibration
  makeFolder(path.dirname(file));
  try {
    await writeFile(`${file}.part`, `${JSON.stringify(record, null, 1)}\n`);
    await rename(`${file}.part`, file);
  } catch (error) {
    throw explainSystemError(error, file);
  }
}

function parseRecord(file: string): z.infer<typeof recordSchema> | null {
  if (!existsSync(file)) return null;
  try {
    return recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const [issue] = cause instanceof z.ZodError ? cause.issues : [];
    const reason = issue ? `${issue.path.join('.') || 'the file'}: ${issue.message}` : 'it is not JSON';
    throw new PatchwordError(
      'MODEL_INCOMPLETE',
      `${file} should hold {"calibration": {"matchScore", "similarity", "bias"}} in numbers; ${reason}.`,
      { hint: 'Mend the file, or remove it to go on without match probabilities.', cause },
    );
  }
}

/** Beside the checkpoint, and where a calibration goes when its folder cannot be written. */
function recordFiles({ folder, hash, cache }: Located): [string, string] {
  return [path.join(folder, RECORD), path.join(cache, 'calibrations', hash, RECORD)];
}
