import { realpathSync } from 'node:fs';
import path from 'node:path';

/**
 * Paths of sources. Those inside the collection's own folder (pictures that an import unpacked) are kept relative to it, so
 * that they are found wherever the collection goes, under whatever name; all others are kept as they are, absolute.
 */
export class Places {
  constructor(private readonly folder: string) {}

  /** A path as the catalog keeps it. */
  keep(absolute: string): string {
    // A source's root has its links resolved.
    for (const folder of [this.folder, realpathSync(this.folder)]) {
      const relative = path.relative(folder, absolute);
      const outside = relative === '' || relative === '..' || relative.startsWith(`..${path.sep}`);
      if (!outside && !path.isAbsolute(relative)) return relative.split(path.sep).join('/');
    }
    return absolute;
  }

  /** The absolute path that was given to `keep`, or where it is now. */
  find(kept: string): string {
    return path.resolve(this.folder, kept);
  }
}
