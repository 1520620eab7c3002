/** JSON scalars by name, as a source gives them. */
export type Scalar = string | number | boolean | null;
export type Attributes = Record<string, Scalar>;

/**
 * A condition on where an image comes from and what its source says of it. `field` is one of FILTER_FIELDS, or the name of
 * an attribute; `attributes.NAME` names an attribute whatever it is called. An image matches where any of its files does.
 */
export type Filter =
  | { field: string; eq: Scalar }
  | { field: string; in: Scalar[] }
  | { field: string; range: Range }
  | { field: string; exists: boolean }
  /** A string that holds this one; case is ignored. */
  | { field: string; contains: string }
  | { and: Filter[] }
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
