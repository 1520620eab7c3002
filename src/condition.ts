import { ATTRIBUTE_PREFIX, FILTER_FIELDS, type Filter, type Scalar } from './filter.js';

/** Fields whose values are strings, even where they look like numbers: `split=2014`. */
const STRINGS: readonly string[] = ['source', 'file', 'split'];

/** How a condition is written, for whoever wrote something else. */
export const CONDITION_FORM = 'NAME=VALUE, such as split=test or year=2014';

/**
 * The filter that `NAME=VALUE` means, or null where that is not what it says. VALUE is a number, true, false, null or a string in
 * quotes where JSON would have one, else a string as it stands.
 */
export function readCondition(text: string): Filter | null {
  const at = text.indexOf('=');
  const field = text.slice(0, Math.max(at, 0)).trim();
  if (field === '') return null;
  const value = text.slice(at + 1).trim();
  const eq = scalarOf(value);
  return { field, eq: STRINGS.includes(field) && typeof eq !== 'string' ? value : eq };
}

/** NAME=VALUE that reads as this; null where it cannot be written so. */
export function writeCondition({ field, eq }: { field: string; eq: Scalar }): string | null {
  for (const value of [String(eq), JSON.stringify(eq)]) {
    const read = readCondition(`${field}=${value}`);
    if (read && 'eq' in read && read.field === field && read.eq === eq) return `${field}=${value}`;
  }
  return null;
}

/** What a filter calls an attribute. */
export function attributeField(name: string): string {
  const taken = (FILTER_FIELDS as readonly string[]).includes(name) || name.startsWith(ATTRIBUTE_PREFIX);
  return taken ? ATTRIBUTE_PREFIX + name : name;
}

/** What lets through what every one of the filters does; undefined where there is none. */
export function allOf(filters: readonly Filter[]): Filter | undefined {
  return filters.length > 1 ? { and: [...filters] } : filters[0];
}

/** Integers that no number holds are strings, as attributes have them. */
function scalarOf(text: string): Scalar {
  if (/^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text))) return text;
  try {
    const value = JSON.parse(text) as unknown;
    const isScalar =
      value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
    return isScalar ? (value as Scalar) : text;
  } catch {
    return text;
  }
}
