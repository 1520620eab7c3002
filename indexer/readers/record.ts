import type { z } from 'zod';
import { describeKind } from './reader.js';

/** A value of JSON as a record, which has to be an object. */
export function asRecord(value: unknown): { values: Record<string, unknown> } | { reason: string } {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject
    ? { values: value as Record<string, unknown> }
    : { reason: `expected an object, got ${describeKind(value)}` };
}

/** The captions that a value holds: a text, or a list of texts or of Karpathy's `{ raw }`; none where there is no value. */
export function readCaptions(name: string, value: unknown): { captions: string[] } | { reason: string } {
  if (value === undefined || value === null) return { captions: [] };
  if (typeof value === 'string') return { captions: [value] };
  const expected = `${name}: expected a string or a list of strings`;
  if (!Array.isArray(value)) return { reason: `${expected}, got ${describeKind(value)}` };
  const texts = value.map((item) => (item as { raw?: unknown } | null)?.raw ?? (item as unknown));
  const other = texts.find((text) => typeof text !== 'string');
  return other === undefined
    ? { captions: texts as string[] }
    : { reason: `${expected}, got a list with ${describeKind(other)}` };
}

/** The first thing that is wrong: "sentences.0.raw: expected string, received number". */
export function explainIssue({ issues: [issue] }: z.ZodError): string {
  const what = issue.message.replace(/^Invalid input: /, '');
  return issue.path.length > 0 ? `${issue.path.join('.')}: ${what}` : what;
}
