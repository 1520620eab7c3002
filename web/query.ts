import type { Target } from './search.js';

/** What is searched for: words, a picture of the collection, or a picture of the visitor's own. */
export type Query =
  | { kind: 'text'; text: string }
  | { kind: 'image'; imageId: number; target: Target }
  | { kind: 'upload'; upload: number; file: File; target: Target };

/** Pictures given in this visit, by number: an address can name one but not hold it. */
const uploads: File[] = [];

export function uploadQuery(file: File): Query {
  return { kind: 'upload', upload: uploads.push(file) - 1, file, target: 'captions' };
}

/** The address of a query, so that it can be kept and shared and the back button works. */
export function addressOf(query: Query | null): string {
  switch (query?.kind) {
    case 'text':
      return `?${new URLSearchParams({ q: query.text }).toString()}`;
    case 'image':
      return `?image=${query.imageId}&target=${query.target}`;
    case 'upload':
      return `?upload=${query.upload}&target=${query.target}`;
    default:
      return '.';
  }
}

export function queryOf(address: string): Query | null {
  const parameters = new URLSearchParams(address);
  const text = parameters.get('q')?.trim();
  if (text) return { kind: 'text', text };
  const target = parameters.get('target') === 'captions' ? 'captions' : 'images';
  const imageId = Number(parameters.get('image'));
  if (Number.isInteger(imageId) && imageId > 0) return { kind: 'image', imageId, target };
  const upload = Number(parameters.get('upload') ?? NaN);
  const file = uploads[upload];
  return file ? { kind: 'upload', upload, file, target } : null;
}
