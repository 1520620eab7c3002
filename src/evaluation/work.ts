import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { explainSystemError, PatchwordError } from '../errors.js';
import { makeFolder } from '../folder.js';
import type { Lock } from '../store/sqlite/database.js';
import { lockJob } from '../store/sqlite/lock.js';
import { readShard, type Shard, type ShardKind, writeShard } from './shard.js';

/** What scores are of: where any of it differs, none of them can be used. */
export interface WorkKey {
  /** SHA-256 of the model's weights. */
  model: string;
  /** SHA-256 of its configuration, tokenizer and treatment of pictures. */
  settings: string;
  /** Size of what it reads of a picture: shorter side, and what both sides are multiples of. */
  inputSize: string;
  /** Of the arithmetic, and of the graphs where they round. */
  precision: string;
  device: string;
  /** SHA-256 of the split: its pictures' contents and its captions, in order. */
  dataset: string;
  split: string | null;
}

const MANIFEST = 'manifest.json';
const SHARD = /^(scores|images|texts)-(\d{6,})\.shard$/;

/**
 * Where an evaluation keeps what it has computed, so that it can be interrupted at any moment and continued by another
 * process: shards, which are only ever added. One process at a time has it open.
 */
export class WorkFolder {
  private next = 1;

  private constructor(
    readonly folder: string,
    private readonly key: string,
    private readonly lock: Lock,
    private readonly onNote: (line: string) => void,
  ) {}

  /**
   * Opens the folder of a key below `work`, and makes it where it is not there.
   *
   * @param options.name what the dataset is called: the folder's name begins with it
   * @throws PatchwordError EVALUATION_BUSY where another process has it open; DISK_FULL, READ_ONLY
   */
  static open(options: { work: string; name: string; key: WorkKey; onNote?: (line: string) => void }): WorkFolder {
    const { work, name, key, onNote = () => undefined } = options;
    const hash = createHash('sha256').update(JSON.stringify(key)).digest('hex');
    const folder = path.join(path.resolve(work), `${nameFor(name)}-${hash.slice(0, 16)}`);
    makeFolder(folder);
    const lock = lockWork(folder);
    try {
      const opened = new WorkFolder(folder, hash, lock, onNote);
      opened.begin(key);
      return opened;
    } catch (error) {
      lock.release();
      throw explainSystemError(error, folder);
    }
  }

  /** The shards of a kind, read and checked one after another. Those that are damaged go; those of another key are passed over. */
  *read(kind: ShardKind, suffix = ''): Generator<Shard> {
    for (const name of this.names().filter((name) => name.startsWith(`${kind}-`))) {
      const file = path.join(this.folder, name);
      const shard = readShard(file);
      if (shard?.header.key === this.key + suffix && shard.header.kind === kind) yield shard;
      else if (shard === null) {
        rmSync(file, { force: true });
        this.onNote(`${file} is damaged; what it held is computed again.`);
      } else if (!shard.header.key.startsWith(this.key)) {
        this.onNote(`${file} belongs to another evaluation and is not used.`);
      }
    }
  }

  /** Adds a shard. @throws PatchwordError DISK_FULL, READ_ONLY */
  add(shard: { kind: ShardKind; count: number; seconds: number; body: Uint8Array; suffix?: string }) {
    const { body, suffix = '', ...header } = shard;
    const name = `${header.kind}-${String(this.next).padStart(6, '0')}.shard`;
    writeShard(path.join(this.folder, name), { header: { key: this.key + suffix, ...header }, body });
    this.next += 1;
  }

  close(): void {
    this.lock.release();
  }

  private begin(key: WorkKey): void {
    for (const name of readdirSync(this.folder)) {
      if (name.endsWith('.part')) rmSync(path.join(this.folder, name), { force: true }); // of a process that died
    }
    this.next = 1 + Math.max(0, ...this.names().map((name) => Number(SHARD.exec(name)![2])));
    const file = path.join(this.folder, MANIFEST);
    const text = `${JSON.stringify({ version: 1, ...key }, null, 1)}\n`;
    if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
    writeFileSync(`${file}.part`, text);
    renameSync(`${file}.part`, file);
  }

  private names(): string[] {
    return readdirSync(this.folder)
      .filter((name) => SHARD.test(name))
      .sort();
  }
}

function lockWork(folder: string): Lock {
  return lockJob(
    path.join(folder, 'lock.sqlite'),
    (cause) =>
      new PatchwordError('EVALUATION_BUSY', `Another evaluation of the same model and split uses ${folder}.`, {
        hint: 'Wait until it has finished, or give this one a folder of its own with --work.',
        cause,
      }),
  );
}

/** A dataset's name as part of a folder's, on any file system. */
function nameFor(name: string): string {
  const safe = name.replace(/[^\w.-]+/g, '_').replace(/^[._-]+/, '');
  return safe.slice(0, 60) || 'dataset';
}
