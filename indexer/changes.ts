import { type FSWatcher, watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ChangesOptions {
  /** Watched with all folders below it, but hidden ones. */
  root: string;
  /** The file that lists the pictures, where there is one: it may lie elsewhere. */
  file: string;
  /** Not watched: what is written there is ours. */
  except: string[];
  signal: AbortSignal;
  onNote?: (line: string) => void;
  timing?: Partial<ChangesTiming>;
}

/** In milliseconds. */
export interface ChangesTiming {
  /** A change is told once nothing else has changed for so long … */
  quiet: number;
  /** … but after so long in any case, for some folder is always being written. */
  most: number;
  /** Where a folder is not there, or the system watches no more, a change is supposed this often. */
  poll: number;
}

export const CHANGES_TIMING: ChangesTiming = { quiet: 500, most: 10_000, poll: 5000 };

interface Watched {
  watcher: FSWatcher;
  /** Tells a folder from another one that took its place. */
  identity: string;
}

/**
 * Tells when files below a folder change. Each folder is watched by itself: one watch sees all files in it, and Node's own
 * recursive watch takes one for every file on Linux.
 */
export class Changes {
  readonly #options: ChangesOptions;
  readonly #timing: ChangesTiming;
  readonly #watched = new Map<string, Watched>();
  #changed = false;
  /** Not all can be watched. */
  #blind = false;
  #lastChange = 0;
  #wake = () => {};

  private constructor(options: ChangesOptions) {
    this.#options = options;
    this.#timing = { ...CHANGES_TIMING, ...options.timing };
    options.signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  /** What changes from now on is told by `next`. */
  static async open(options: ChangesOptions): Promise<Changes> {
    const changes = new Changes(options);
    await changes.#look();
    return changes;
  }

  /** Resolves once something has changed since it last did, true; false once the signal aborts. */
  async next(): Promise<boolean> {
    const { signal } = this.#options;
    const { quiet, most, poll } = this.#timing;
    if (!this.#changed && !signal.aborted) {
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      await (this.#blind ? Promise.race([woken, this.#sleep(poll)]) : woken);
    }
    const first = performance.now();
    while (!signal.aborted && performance.now() - first < most) {
      const left = this.#lastChange + quiet - performance.now();
      if (left <= 0) break;
      await this.#sleep(left);
    }
    if (signal.aborted) return false;
    this.#changed = false;
    // Before the pass: a file in a new folder is either listed by it or seen from here on.
    await this.#look();
    return true;
  }

  /** Lets `next` resolve in a while, also where nothing changes. */
  remind(): void {
    this.#blind = true;
  }

  close(): void {
    for (const { watcher } of this.#watched.values()) watcher.close();
    this.#watched.clear();
  }

  async #sleep(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#options.signal }).catch(() => undefined);
  }

  /** Watches the folders that are there now. */
  async #look(): Promise<void> {
    const { root, file } = this.#options;
    this.#blind = false;
    const found = new Set<string>();
    await this.#lookAt(root, found);
    if (!found.has(path.dirname(file))) await this.#watch(path.dirname(file), found);
    for (const [folder, { watcher }] of this.#watched) {
      if (found.has(folder)) continue;
      watcher.close();
      this.#watched.delete(folder);
    }
  }

  async #lookAt(folder: string, found: Set<string>): Promise<void> {
    if (this.#options.except.includes(folder) || !(await this.#watch(folder, found))) return;
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (entry.isDirectory() && !isHidden(entry.name)) await this.#lookAt(path.join(folder, entry.name), found);
    }
  }

  async #watch(folder: string, found: Set<string>): Promise<boolean> {
    try {
      const { dev, ino, birthtimeNs } = await stat(folder, { bigint: true });
      // A number of a folder that is gone is given to the next one.
      const identity = `${dev}:${ino}:${birthtimeNs}`;
      found.add(folder);
      const before = this.#watched.get(folder);
      if (before?.identity === identity) return true;
      before?.watcher.close();
      const watcher = watch(folder, (_event, name) => this.#tell(folder, name));
      watcher.on('error', () => {
        watcher.close();
        this.#watched.delete(folder);
        this.#tell(folder, null);
      });
      this.#watched.set(folder, { watcher, identity });
    } catch (error) {
      this.#goBlind(error as NodeJS.ErrnoException);
    }
    return found.has(folder);
  }

  #goBlind({ code }: NodeJS.ErrnoException): void {
    if (!this.#blind && (code === 'ENOSPC' || code === 'EMFILE')) {
      const seconds = this.#timing.poll / 1000;
      this.#options.onNote?.(
        `The system watches no more folders (${code}); looking every ${seconds} s instead. ` +
          'On Linux, fs.inotify.max_user_watches raises the limit.',
      );
    }
    this.#blind = true;
  }

  #tell(folder: string, name: string | null): void {
    const { root, file } = this.#options;
    const below = folder === root || folder.startsWith(root + path.sep);
    if (!below && name !== null && name !== path.basename(file)) return;
    if (name !== null && (isHidden(name) || this.#options.except.includes(path.join(folder, name)))) return;
    this.#changed = true;
    this.#lastChange = performance.now();
    this.#wake();
  }
}

function isHidden(name: string): boolean {
  return name.startsWith('.');
}
