import { ATTRIBUTE_PREFIX, type Filter, type FILTER_FIELDS, type Range, type Scalar } from '../../filter.js';
import type { Connection } from './database.js';

/** A condition in SQL, and what is bound to its question marks. */
export interface SqlCondition {
  sql: string;
  parameters: (string | number | null)[];
}

interface Column {
  sql: string;
  type: 'string' | 'number' | 'boolean';
}

const COLUMNS: Record<(typeof FILTER_FIELDS)[number], Column> = {
  source: { sql: 'sources.path', type: 'string' },
  file: { sql: 'files.file', type: 'string' },
  split: { sql: 'files.split', type: 'string' },
  width: { sql: 'images.width', type: 'number' },
  height: { sql: 'images.height', type: 'number' },
  bytes: { sql: 'images.bytes', type: 'number' },
  missing: { sql: 'files.missing', type: 'boolean' },
};

/**
 * A query of the ids of the images that match, each as often as it has files that do. The joins are outer ones, though every
 * file has its image and its source, because SQLite then leaves out those that the condition does not look at: a third of the
 * time where it is of files alone.
 */
export function filteredImages(filter: Filter): SqlCondition {
  const { sql, parameters } = compileFilter(filter);
  return {
    sql: `SELECT files.image_id FROM files LEFT JOIN images ON images.id = files.image_id
      LEFT JOIN sources ON sources.id = files.source_id WHERE (${sql})`,
    parameters,
  };
}

/**
 * A filter as a condition on one row of `files`, joined with `images` and `sources`. Nothing of the filter becomes part of the
 * SQL: its names and values are bound. Every condition is 0 or 1, never NULL, so that `not` is its opposite.
 */
export function compileFilter(filter: Filter): SqlCondition {
  if ('and' in filter) return join(filter.and, 'AND', '1');
  if ('or' in filter) return join(filter.or, 'OR', '0');
  if ('not' in filter) {
    const { sql, parameters } = compileFilter(filter.not);
    return { sql: `NOT (${sql})`, parameters };
  }
  const { field } = filter;
  if (Object.hasOwn(COLUMNS, field)) return ofColumn(COLUMNS[field as keyof typeof COLUMNS], filter);
  const name = field.startsWith(ATTRIBUTE_PREFIX) ? field.slice(ATTRIBUTE_PREFIX.length) : field;
  return ofAttribute(`$.${JSON.stringify(name)}`, filter);
}

/** The SQL function that conditions use, on the connection that runs them. */
export function defineFilterFunctions(database: Connection): void {
  database.function('holds_folded', { deterministic: true, directOnly: true }, (text: unknown, part: unknown) =>
    typeof text === 'string' && fold(text).includes(part as string) ? 1 : 0,
  );
}

/** The same for texts that differ in case alone: first lower, for the capitals without a small letter, then upper, for "ß". */
function fold(text: string): string {
  return text.toLowerCase().toUpperCase();
}

type Leaf = Extract<Filter, { field: string }>;

const NEVER: SqlCondition = { sql: '0', parameters: [] };

function join(filters: Filter[], operator: string, ofNone: string): SqlCondition {
  const parts = filters.map(compileFilter);
  return {
    sql: parts.length === 0 ? ofNone : `(${parts.map(({ sql }) => sql).join(` ${operator} `)})`,
    parameters: parts.flatMap(({ parameters }) => parameters),
  };
}

function ofColumn({ sql, type }: Column, filter: Leaf): SqlCondition {
  const fits = (value: Scalar) => value === null || typeof value === type;
  if ('exists' in filter) return { sql: `${sql} IS ${filter.exists ? 'NOT ' : ''}NULL`, parameters: [] };
  if ('eq' in filter) return fits(filter.eq) ? { sql: `${sql} IS ?`, parameters: [stored(filter.eq)] } : NEVER;
  if ('in' in filter) {
    const values = JSON.stringify(filter.in.filter((value) => value !== null && fits(value)).map(stored));
    const orNull = filter.in.includes(null) ? ` OR ${sql} IS NULL` : '';
    return { sql: `(ifnull(${sql} IN (SELECT value FROM json_each(?)), 0)${orNull})`, parameters: [values] };
  }
  if ('contains' in filter) {
    return type === 'string' ? { sql: `holds_folded(${sql}, ?)`, parameters: [fold(filter.contains)] } : NEVER;
  }
  const { comparisons, values } = boundsOf(filter.range, sql);
  return typeof values[0] === type ? { sql: `ifnull(${comparisons}, 0)`, parameters: values } : NEVER;
}

/**
 * Attributes are kept as JSON.stringify writes them, so that two values are the same, type included, where their JSON is. The
 * path is JSONPath with a quoted label, which may hold anything but NUL (`checkFilter` refuses it).
 */
function ofAttribute(path: string, filter: Leaf): SqlCondition {
  const json = '(files.attributes -> ?)';
  if ('exists' in filter) return { sql: `${json} IS ${filter.exists ? 'NOT ' : ''}NULL`, parameters: [path] };
  if ('eq' in filter) return { sql: `ifnull(${json} = ?, 0)`, parameters: [path, JSON.stringify(filter.eq)] };
  if ('in' in filter) {
    const values = JSON.stringify(filter.in.map((value) => JSON.stringify(value)));
    return { sql: `ifnull(${json} IN (SELECT value FROM json_each(?)), 0)`, parameters: [path, values] };
  }
  const isOf = (types: string) => `json_type(files.attributes, ?) IN (${types})`;
  const value = '(files.attributes ->> ?)';
  if ('contains' in filter) {
    const sql = `ifnull(${isOf("'text'")} AND holds_folded(${value}, ?), 0)`;
    return { sql, parameters: [path, path, fold(filter.contains)] };
  }
  const { comparisons, values } = boundsOf(filter.range, value);
  return {
    sql: `ifnull(${isOf(typeof values[0] === 'string' ? "'text'" : "'integer', 'real'")} AND ${comparisons}, 0)`,
    parameters: [path, ...values.flatMap((bound) => [path, bound])],
  };
}

const COMPARISONS: Record<keyof Range, string> = { gt: '>', gte: '>=', lt: '<', lte: '<=' };

/** SQLite compares numbers exactly, whether integer or real, and strings by their UTF-8: in the order of code points. */
function boundsOf(range: Range, of: string): { comparisons: string; values: (number | string)[] } {
  const bounds = Object.entries(range) as [keyof Range, number | string][];
  return {
    comparisons: bounds.map(([key]) => `${of} ${COMPARISONS[key]} ?`).join(' AND '),
    values: bounds.map(([, bound]) => bound),
  };
}

/** As a column holds it: STRICT tables have no booleans. */
function stored(value: Scalar): string | number | null {
  return typeof value === 'boolean' ? Number(value) : value;
}
