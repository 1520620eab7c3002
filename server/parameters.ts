import { z } from 'zod';
import { PatchwordError } from '../src/errors.js';
import { areSources, type CandidateSource } from '../src/hit.js';
import type { ServerLimits } from './service.js';

/** A whole number: itself in JSON, its digits in a URL or a form. */
function whole(min: number, max: number) {
  return z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value),
    z.custom<number>((value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max, {
      error: `expected a whole number from ${min} to ${max}`,
    }),
  );
}

/** Store ids are below 2^32. */
export const imageId = whole(1, 2 ** 32 - 1);

/** JSON itself, or its text in a URL or a form. What it must be is said by whoever reads it. */
function json(length: number) {
  return z.unknown().transform((value, context) => {
    if (typeof value !== 'string') return value;
    if (value.length > length) {
      context.addIssue({ code: 'custom', message: `expected at most ${length} characters` });
      return z.NEVER;
    }
    try {
      return JSON.parse(value) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'expected JSON, such as {"field":"split","eq":"test"}' });
      return z.NEVER;
    }
  });
}

/** A list in JSON, or its names with commas between them in a URL or a form. */
const sources = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',') : value),
  z.custom<CandidateSource[]>(areSources, { error: 'expected nearest, captions or both' }),
);

/** The parameters of a search, by the same names in a URL, a JSON body and a form. */
export function searchParameters(limits: ServerLimits) {
  const { textLength } = limits;
  return z.strictObject({
    text: z
      .string({ error: 'expected one text' })
      .max(textLength, { error: `expected at most ${textLength} characters` })
      .optional(),
    imageId: imageId.optional(),
    target: z.enum(['images', 'captions'], { error: 'expected images or captions' }).optional(),
    sources: sources.optional(),
    filter: json(limits.filterLength).optional(),
    k: whole(1, limits.k).optional(),
    candidates: whole(1, limits.candidates).optional(),
    rerankPairs: whole(0, limits.rerankPairs).optional(),
    rerankMilliseconds: whole(0, limits.rerankMilliseconds).optional(),
  });
}

export type SearchParameters = z.infer<ReturnType<typeof searchParameters>>;

/** @throws PatchwordError INVALID_ARGUMENT, naming each parameter and what was expected of it */
export function parse<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new PatchwordError('INVALID_ARGUMENT', `${result.error.issues.map(explain).join('; ')}.`, {
    hint: 'docs/http.md lists every parameter.',
  });
}

function explain(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return `unknown parameter${issue.keys.length > 1 ? 's' : ''} ${issue.keys.slice(0, 5).map(quote).join(', ')}`;
  }
  return issue.path.length > 0 ? `${issue.path.join('.')}: ${issue.message}` : issue.message;
}

function quote(name: string): string {
  return JSON.stringify(name.slice(0, 50));
}
