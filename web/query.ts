import { allOf, CONDITION_FORM, readCondition } from '../src/condition.js';
import type { Filter } from '../src/filter.js';
import { Failure } from './failure.js';
import type { Target } from './search.js';

/** What is searched for: words, a picture of the collection, or a picture of the visitor's own. */
export type Query =
  | { kind: 'text'; text: string }
  | { kind: 'image'; imageId: number; target: Target }
  | { kind: 'upload'; upload: number; file: File; target: Target };

/** What the address holds: what is searched for, and what must be true of a picture to be found, each NAME=VALUE. */
export interface Place {
  query: Query | null;
  conditions: string[];
}

/** Pictures given in this visit, by number: an address can name one but not hold it. */
const uploads = new Map<number, File>();
/** Never again the number of an earlier visit, whose addresses the back button may bring. */
let next = Date.now();

export function uploadQuery(file: File): Query {
  const upload = next++;
  uploads.set(upload, file);
  return { kind: 'upload', upload, file, target: 'captions' };
}

/** The address of a place, so that it can be kept and shared and the back button works. */
export function addressOf({ query, conditions }: Place): string {
  const parameters = [...parametersOf(query), ...conditions.map((condition) => ['where', condition])];
  return parameters.length > 0 ? `?${new URLSearchParams(parameters).toString()}` : '.';
}

function parametersOf(query: Query | null): [string, string][] {
  switch (query?.kind) {
    case 'text':
      return [['q', query.text]];
    case 'image':
      return [
        ['image', String(query.imageId)],
        ['target', query.target],
      ];
    case 'upload':
      return [
        ['upload', String(query.upload)],
        ['target', query.target],
      ];
    default:
      return [];
  }
}

export function placeOf(address: string): Place {
  const parameters = new URLSearchParams(address);
  return { query: queryOf(parameters), conditions: [...new Set(parameters.getAll('where'))] };
}

function queryOf(parameters: URLSearchParams): Query | null {
  const text = parameters.get('q')?.trim();
  if (text) return { kind: 'text', text };
  const target = parameters.get('target') === 'captions' ? 'captions' : 'images';
  const imageId = Number(parameters.get('image'));
  if (Number.isInteger(imageId) && imageId > 0) return { kind: 'image', imageId, target };
  const upload = Number(parameters.get('upload') ?? NaN);
  const file = uploads.get(upload);
  return file ? { kind: 'upload', upload, file, target } : null;
}

/** What all conditions together let through; undefined where there are none. @throws Failure */
export function filterOf(conditions: readonly string[]): Filter | undefined {
  return allOf(
    conditions.map((condition) => {
      const filter = readCondition(condition);
      if (filter) return filter;
      throw new Failure(`“${condition}” should be ${CONDITION_FORM}.`, { passing: false, about: 'filter' });
    }),
  );
}
