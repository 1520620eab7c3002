import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Names and sizes of the other files of a folder of graphs. */
const CONTENTS = 'contents.json';

/** Whether a folder of graphs holds all that was written into it, in the sizes that it had. */
export function isWhole(folder: string): boolean {
  try {
    const sizes = JSON.parse(readFileSync(path.join(folder, CONTENTS), 'utf8')) as Record<string, number>;
    return Object.entries(sizes).every(([name, size]) => statSync(path.join(folder, name)).size === size);
  } catch {
    return false;
  }
}

/** Says of a folder of graphs that all is in it. */
export function writeContents(folder: string): void {
  const sizes = readdirSync(folder).map((name) => [name, statSync(path.join(folder, name)).size]);
  writeFileSync(path.join(folder, CONTENTS), JSON.stringify(Object.fromEntries(sizes)));
}
