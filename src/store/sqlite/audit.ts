import { messageOf, PatchwordError } from '../../errors.js';
import { explainStoreError } from './database.js';

/** One thing that must hold of a collection. */
export interface Check {
  name: string;
  /** What must hold, as a sentence. */
  what: string;
  /** How many there are to be looked at. */
  count(): number;
  /** A line for each that is wrong, streaming. @throws PatchwordError COLLECTION_BUSY where it cannot be told now */
  find(): Iterable<string> | AsyncIterable<string>;
  /** Makes it anew from what is truth, where it is derived. */
  repair?(): void | Promise<void>;
  /** What to do where it cannot be repaired. */
  advice?: string;
  /** What is wrong here harms nothing, and is put right when the collection is next used: what a killed process leaves. */
  settles?: boolean;
}

export interface CheckResult {
  name: string;
  what: string;
  /** How many were looked at; null where even that could not be told. */
  checked: number | null;
  /** How many of them were wrong. */
  failed: number;
  /** The first of those. */
  examples: string[];
  /** Whether that harms nothing, and is put right when the collection is next used. */
  settles: boolean;
  /** Whether it was wrong and is right now. */
  repaired: boolean;
  /** Why it was not checked. */
  skipped: string | null;
  /** What to do about it. */
  advice: string | null;
}

export interface Verification {
  checks: CheckResult[];
  /** Nothing is wrong, or what was is repaired, or settles by itself. */
  passed: boolean;
}

const EXAMPLES = 5;

/** Reasons not to check, rather than findings. */
const CANNOT_TELL: readonly string[] = ['COLLECTION_BUSY', 'READ_ONLY'];

const REPAIRABLE = 'Run: patchword collection verify NAME --repair';
const TRUTH = 'It cannot be made again from anything: put back a backup, with patchword collection import.';

/** Runs every check, whatever the others find; with `repair` makes what is derived anew where it is wrong, and looks again. */
export async function runChecks(checks: Check[], { repair = false }: { repair?: boolean }): Promise<Verification> {
  const results: CheckResult[] = [];
  for (const check of checks) {
    const result = await run(check);
    if (result.failed === 0 || !repair || !check.repair) {
      results.push(result);
      continue;
    }
    try {
      await check.repair();
      const again = await run(check);
      const repaired = again.failed === 0 && again.skipped === null;
      results.push(repaired ? { ...result, repaired, advice: null } : { ...again, advice: TRUTH });
    } catch (error) {
      results.push({ ...result, advice: `It could not be repaired: ${messageOf(error)}` });
    }
  }
  return {
    checks: results,
    passed: results.every(({ failed, repaired, settles }) => failed === 0 || repaired || settles),
  };
}

async function run(check: Check): Promise<CheckResult> {
  const { name, what, advice, settles = false } = check;
  const result: CheckResult = {
    name,
    what,
    checked: null,
    failed: 0,
    examples: [],
    settles,
    repaired: false,
    skipped: null,
    advice: null,
  };
  const fail = (line: string) => {
    result.failed += 1;
    if (result.examples.length < EXAMPLES) result.examples.push(line);
  };
  try {
    result.checked = check.count();
    for await (const line of check.find()) fail(line);
  } catch (thrown) {
    const error = explainStoreError(thrown, 'the collection');
    if (error instanceof PatchwordError && CANNOT_TELL.includes(error.code)) result.skipped = error.message;
    else fail(messageOf(error)); // What cannot even be read is wrong.
  }
  if (result.failed > 0) result.advice = advice ?? (check.repair ? REPAIRABLE : TRUTH);
  return result;
}
