import { ATTRIBUTE_PREFIX, FILTER_FIELDS, type Attributes, type Filter, type Scalar } from '../../../src/filter.js';

/** What a filter looks at in one file. */
export interface FilteredFile {
  source: string;
  file: string;
  split: string | null;
  width: number;
  height: number;
  bytes: number;
  missing: boolean;
  attributes: Attributes;
}

/** Whether a file meets a filter, in as few words as the documentation of Filter. */
export function matches(filter: Filter, file: FilteredFile): boolean {
  if ('and' in filter) return filter.and.every((each) => matches(each, file));
  if ('or' in filter) return filter.or.some((each) => matches(each, file));
  if ('not' in filter) return !matches(filter.not, file);
  const { field } = filter;
  const value = valueOf(field, file);
  if ('exists' in filter) return filter.exists === (value !== undefined && !(field === 'split' && value === null));
  if (value === undefined) return false;
  if ('eq' in filter) return value === filter.eq;
  if ('in' in filter) return filter.in.some((each) => value === each);
  if ('contains' in filter) return typeof value === 'string' && fold(value).includes(fold(filter.contains));
  const { gt, gte, lt, lte } = filter.range;
  const within = (bound: Scalar | undefined, holds: (order: number) => boolean) =>
    bound === undefined || (typeof value === typeof bound && holds(compare(value, bound)));
  return (
    within(gt, (order) => order > 0) &&
    within(gte, (order) => order >= 0) &&
    within(lt, (order) => order < 0) &&
    within(lte, (order) => order <= 0)
  );
}

function valueOf(field: string, file: FilteredFile): Scalar | undefined {
  if ((FILTER_FIELDS as readonly string[]).includes(field)) return file[field as keyof FilteredFile] as Scalar;
  const name = field.startsWith(ATTRIBUTE_PREFIX) ? field.slice(ATTRIBUTE_PREFIX.length) : field;
  return Object.hasOwn(file.attributes, name) ? file.attributes[name] : undefined;
}

function compare(a: Scalar, b: Scalar): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b || (a < b ? -1 : a > b ? 1 : 0);
  return typeof a === 'string' && typeof b === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(b)) : NaN;
}

function fold(text: string): string {
  return text.toLowerCase().toUpperCase();
}
