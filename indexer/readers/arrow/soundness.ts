import { Field } from 'apache-arrow/fb/field';
import type { Schema } from 'apache-arrow/fb/schema';

const MAX_DEPTH = 32;

/** The fewest bytes that an entry of a list takes: a reference. */
const REFERENCE_BYTES = 4;

/** Whether bytes can hold so many entries. A list that says it has more would be read until there is no memory left. */
export function fits(count: number, bytes: number, entryBytes = REFERENCE_BYTES): boolean {
  return count >= 0 && count * entryBytes <= bytes;
}

/** Whether a schema that stands in so many bytes can be read. Its fields may point to one another, over and over. */
export function isSchemaSound(schema: Schema, bytes: number): boolean {
  let left = bytes;
  const areSound = (count: number, field: (i: number) => Field | null, depth: number): boolean => {
    if (depth > MAX_DEPTH || !fits(count, bytes)) return false;
    for (let i = 0; i < count; i++) {
      const child = field(i);
      left -= REFERENCE_BYTES;
      if (!child || left < 0 || !fits(child.customMetadataLength(), bytes)) return false;
      if (!areSound(child.childrenLength(), (at) => child.children(at, new Field()), depth + 1)) return false;
    }
    return true;
  };
  if (!fits(schema.customMetadataLength(), bytes)) return false;
  return areSound(schema.fieldsLength(), (i) => schema.fields(i, new Field()), 0);
}
