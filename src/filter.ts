import { PatchwordError } from './errors.js';

/** JSON scalars by name, as a source gives them. */
export type Scalar = string | number | boolean | null;
export type Attributes = Record<string, Scalar>;

/**
 * A condition on where an image comes from and what its source says of it. `field` is one of FILTER_FIELDS, or the name of
 * an attribute; `attributes.NAME` names an attribute whatever it is called. An image matches where any of its files does.
 *
 * Types are never mixed: 1 is not "1", true is not 1, and null is only null. An attribute that a file lacks meets no condition
 * but `exists: false`; a file of no split has `split` null, which counts as lacking for `exists` alone.
 */
export type Filter =
  | { field: string; eq: Scalar }
  | { field: string; in: Scalar[] }
  | { field: string; range: Range }
  | { field: string; exists: boolean }
  /** A string that holds this one; case is ignored. */
  | { field: string; contains: string }
  /** All of them; of none, everything. */
  | { and: Filter[] }
  /** Any of them; of none, nothing. */
  | { or: Filter[] }
  | { not: Filter };

/** Numbers with numbers, strings with strings (by code point); a value of another type is outside. */
export interface Range {
  gt?: number | string;
  gte?: number | string;
  lt?: number | string;
  lte?: number | string;
}

/** What every file has, whatever its source says. `source` is the path that was indexed. */
export const FILTER_FIELDS = ['source', 'file', 'split', 'width', 'height', 'bytes', 'missing'] as const;

/** Names an attribute even where it is called as one of FILTER_FIELDS. */
export const ATTRIBUTE_PREFIX = 'attributes.';

/** The most that a filter may be. `characters` counts all its strings. */
export const FILTER_LIMITS = { depth: 16, nodes: 200, values: 1000, string: 4096, characters: 1_000_000 } as const;

const OPERATORS = ['eq', 'in', 'range', 'exists', 'contains'] as const;
const KEYS = ['field', ...OPERATORS, 'and', 'or', 'not'] as const;
const BOUNDS = ['gt', 'gte', 'lt', 'lte'] as const;

/**
 * A filter from outside, as one that can be trusted: a copy that holds what was checked and nothing else.
 *
 * @throws PatchwordError INVALID_ARGUMENT, saying where: `filter.and[1].range`
 */
export function checkFilter(value: unknown): Filter {
  return new Checker().filter(value, 'filter', 1);
}

class Checker {
  private nodes = 0;
  private characters = 0;

  filter(value: unknown, at: string, depth: number): Filter {
    if (depth > FILTER_LIMITS.depth) throw invalid(`${at} is nested more than ${FILTER_LIMITS.depth} levels deep.`);
    if (++this.nodes > FILTER_LIMITS.nodes)
      throw invalid(`${at} is one condition too many, of ${FILTER_LIMITS.nodes}.`);
    const node = record(value, at, KEYS, '{ "field": "split", "eq": "test" }');
    const [key, ...others] = Object.keys(node).filter((each) => each !== 'field');
    if (key === undefined) throw invalid(`${at} has no condition: expected one of ${list([...KEYS.slice(1)])}.`);
    if (others.length > 0) {
      throw invalid(`${at} has both "${key}" and "${others[0]}", expected one of them.`, 'Join conditions by "and".');
    }
    const inner = node[key];
    const where = `${at}.${key}`;
    if (key === 'and' || key === 'or' || key === 'not') {
      if ('field' in node) throw invalid(`${at} has "${key}", which goes without "field".`);
      if (key === 'not') return { not: this.filter(inner, where, depth + 1) };
      const filters = array(inner, where, FILTER_LIMITS.nodes, 'filters').map((each, i) =>
        this.filter(each, `${where}[${i}]`, depth + 1),
      );
      return key === 'and' ? { and: filters } : { or: filters };
    }
    return { field: this.field(node.field, `${at}.field`), ...this.condition(key as Operator, inner, where) };
  }

  private field(value: unknown, at: string): string {
    const field = this.string(value, at, 'the name of a field');
    if (field === '') throw invalid(`${at} is empty, expected the name of a field.`);
    if (field.includes('\0')) throw invalid(`${at} holds a NUL character, which no field's name does.`);
    return field;
  }

  private condition(key: Operator, value: unknown, at: string): Condition {
    switch (key) {
      case 'eq':
        return { eq: this.scalar(value, at) };
      case 'in':
        return {
          in: array(value, at, FILTER_LIMITS.values, 'values').map((each, i) => this.scalar(each, `${at}[${i}]`)),
        };
      case 'range':
        return { range: this.range(value, at) };
      case 'exists':
        if (typeof value !== 'boolean') throw unexpected(at, 'true or false', value);
        return { exists: value };
      case 'contains':
        return { contains: this.string(value, at, 'a string') };
    }
  }

  private scalar(value: unknown, at: string): Scalar {
    if (typeof value === 'string') return this.string(value, at, 'a string');
    if (value === null || typeof value === 'boolean' || Number.isFinite(value)) return value as Scalar;
    throw unexpected(at, 'a string, a number, true, false or null', value);
  }

  private range(value: unknown, at: string): Range {
    const bounds = record(value, at, BOUNDS, '{ "gte": 640 }');
    const keys = Object.keys(bounds) as (keyof Range)[];
    if (keys.length === 0) throw invalid(`${at} has no bound: expected one or more of ${list([...BOUNDS])}.`);
    const range: Range = {};
    for (const key of keys) {
      const bound = bounds[key];
      if (typeof bound === 'string') range[key] = this.string(bound, `${at}.${key}`, 'a string');
      else if (Number.isFinite(bound)) range[key] = bound as number;
      else throw unexpected(`${at}.${key}`, 'a number or a string', bound);
      if (typeof bound !== typeof bounds[keys[0]]) {
        throw invalid(`${at} has a number and a string for bounds: expected two of a kind.`);
      }
    }
    return range;
  }

  private string(value: unknown, at: string, expected: string): string {
    if (typeof value !== 'string') throw unexpected(at, expected, value);
    if (value.length > FILTER_LIMITS.string) {
      throw invalid(`${at} has ${value.length} characters, expected at most ${FILTER_LIMITS.string}.`);
    }
    this.characters += value.length;
    if (this.characters > FILTER_LIMITS.characters) {
      throw invalid(`The strings of the filter have more than ${FILTER_LIMITS.characters} characters, up to ${at}.`);
    }
    if (!isWellFormed(value)) throw invalid(`${at} is no valid Unicode: it holds half of a surrogate pair.`);
    return value;
  }
}

type Operator = (typeof OPERATORS)[number];
/** Without its field. */
type Condition = { eq: Scalar } | { in: Scalar[] } | { range: Range } | { exists: boolean } | { contains: string };

/** An object with these keys alone. */
function record(value: unknown, at: string, keys: readonly string[], example: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw unexpected(at, `an object such as ${example}`, value);
  }
  const wrong = Object.keys(value).find((key) => !keys.includes(key));
  if (wrong === undefined) return { ...value };
  const nearest = keys.toSorted((a, b) => distance(a, wrong) - distance(b, wrong))[0];
  const near = distance(nearest, wrong) < 0.7 * Math.max(nearest.length, wrong.length);
  const hint = near ? `Did you mean "${nearest}"?` : undefined;
  throw invalid(`${at} has no key ${shown(wrong)}: expected ${list([...keys])}.`, hint);
}

function array(value: unknown, at: string, most: number, of: string): unknown[] {
  if (!Array.isArray(value)) throw unexpected(at, `an array of ${of}`, value);
  if (value.length > most) throw invalid(`${at} has ${value.length} ${of}, expected at most ${most}.`);
  return Array.from<unknown>(value);
}

function unexpected(at: string, expected: string, value: unknown): PatchwordError {
  return invalid(`${at}: expected ${expected}, got ${value === undefined ? 'nothing' : shown(value)}.`);
}

function invalid(message: string, hint?: string): PatchwordError {
  return new PatchwordError('INVALID_ARGUMENT', message, { hint });
}

/** What came, short enough for a message. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function list(words: string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** In how many letters two words differ at least (Levenshtein); of a long word its beginning counts. */
function distance(word: string, typed: string): number {
  const letters = [...typed.toLowerCase().slice(0, 20)];
  let row = Array.from({ length: word.length + 1 }, (_, i) => i);
  letters.forEach((letter, i) => {
    const next = [i + 1];
    for (let j = 0; j < word.length; j++) {
      next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + (word[j] === letter ? 0 : 1)));
    }
    row = next;
  });
  return row[word.length];
}
