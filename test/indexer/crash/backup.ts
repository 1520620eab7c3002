import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '../../../src/store/sqlite/store.js';
import { requireSound } from '../../src/store/soundness.js';
import { differences, readActual } from './actual.js';
import type { Line } from './journal.js';
import type { Oracle } from './oracle.js';

export interface BackupOptions {
  data: string;
  name: string;
  exactBelow: number;
  /** A folder for it alone. */
  folder: string;
}

/** A backup that this process makes while another writes, and is killed. */
export class Backup {
  /** How many calls were acknowledged when it began. */
  private answered = 0;
  private begun: Promise<void> | null = null;

  private constructor(
    private readonly options: BackupOptions,
    private readonly store: Awaited<ReturnType<typeof openStore>>,
  ) {}

  static async open(options: BackupOptions): Promise<Backup> {
    return new Backup(options, await openStore(options));
  }

  /** Begins it, in a while. */
  begin(milliseconds: number, lines: readonly Line[]): void {
    const { name, folder } = this.options;
    const make = async () => {
      await sleep(milliseconds);
      this.answered = lines.filter((line) => 'answer' in line).length;
      rmSync(folder, { recursive: true, force: true });
      const collection = path.join(folder, 'collections', name);
      mkdirSync(collection, { recursive: true });
      await this.store.backup(path.join(collection, 'catalog.sqlite'));
    };
    this.begun ??= make();
  }

  /** It must be the collection as it was at one moment, after all that was acknowledged before it began. Returns after how many calls. */
  async examine(before: Oracle, lines: readonly Line[]): Promise<number | null> {
    if (!this.begun) return null;
    await this.begun;
    const store = await openStore({ ...this.options, data: this.options.folder });
    try {
      await requireSound(store);
      const actual = await readActual(store);
      const answers = new Map(lines.flatMap((line) => ('answer' in line ? [[line.answer, line.result]] : [])));
      const oracle = before.clone();
      const calls = lines.filter((line) => 'call' in line);
      for (let made = 0; ; made++) {
        if (made >= this.answered && differences(actual, oracle).length === 0) return made;
        if (made === calls.length) break;
        oracle.apply(calls[made], answers.get(calls[made].call));
      }
      return assert.fail(`A backup is none of the states after ${this.answered} to ${calls.length} calls.`);
    } finally {
      await store.close();
    }
  }

  close(): Promise<void> {
    return this.store.close();
  }
}
