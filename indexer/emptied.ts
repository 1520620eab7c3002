import { readdir } from 'node:fs/promises';
import path from 'node:path';

/** Folders that held files and are empty now, as the mount point of a disk that is not connected is. */
export class EmptyFolders {
  first: string | null = null;
  readonly #looked = new Set<string>();

  constructor(private readonly root: string) {}

  /** @param file of the source that is not there, as its location names it */
  async look(file: string): Promise<void> {
    const folder = path.posix.dirname(file);
    if (this.first !== null || folder === '.' || this.#looked.has(folder)) return;
    this.#looked.add(folder);
    const absolute = path.join(this.root, folder);
    const names = await readdir(absolute).catch(() => null);
    if (names === null)
      await this.look(folder); // it is gone itself
    else if (names.length === 0) this.first = absolute;
  }
}
