import path from 'node:path';

/**
 * Where the bytes of an image are, below the root of its source: in a file of their own, in a range of an archive, or in a
 * row of a table. `file` has forward slashes.
 */
export type ImageLocation =
  { file: string } | { file: string; offset: number; bytes: number } | { file: string; row: number; column: string };

/** Absolute path of the file that holds an image's bytes, alone or among others. */
export function originalFile(root: string, { file }: ImageLocation): string {
  return path.join(root, file);
}
