import { existsSync } from 'node:fs';
import { messageOf, PatchwordError } from '../../errors.js';
import type { ModelInput } from '../../vilt/image.js';
import {
  beginWriting,
  closeDatabase,
  column,
  createDatabase,
  isDamage,
  isOutdated,
  openDatabase,
  removeDatabase,
  vacuum,
  type Connection,
} from './database.js';
import { INPUTS_STEPS } from './schema.js';

export interface InputCacheOptions {
  /** inputs.sqlite; it may be deleted whenever no one has it open. */
  file: string;
  /** The most that the file may hold. 0 caches nothing. */
  maxBytes: number;
  onNote: (line: string) => void;
}

/** The most that a row takes beside its pixels, in bytes: its keys, and the rests of two pages. */
const OVERHEAD = 2 * 4096;

/** What a model input is made of. */
export interface InputKey {
  /** SHA-256 of the image's file, hex. */
  contentHash: string;
  /** The size that a model reads; CollectionModel says how it is written. */
  inputSize: string;
}

interface InputRow {
  width: number;
  height: number;
  pixels: Uint8Array;
}

/**
 * The model inputs of the images, so that a query need not decode the originals. All of it can be made again, so
 * nothing here ever fails a caller: what cannot be kept is not kept, and a note says so once.
 */
export class InputCache {
  private database: Connection | undefined;
  private writing = false;
  private noted = false;

  constructor(private readonly options: InputCacheOptions) {}

  get({ contentHash, inputSize }: InputKey): ModelInput | null {
    return this.attempt(null, () => {
      if (!this.open()) return null;
      const row = this.sql<[string, string], InputRow>(
        'SELECT width, height, pixels FROM inputs WHERE content_hash = ? AND input_size = ?',
      ).get(contentHash, inputSize);
      if (!row) return null;
      const { width, height, pixels } = row;
      return { width, height, pixels: new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength) };
    });
  }

  /** Keeps those that it does not have, and drops the oldest when there is no more room. */
  put(entries: (InputKey & { modelInput: ModelInput })[]): void {
    if (this.options.maxBytes === 0 || entries.length === 0) return;
    this.attempt(undefined, () => {
      const database = this.openForWriting();
      const has = this.sql<[string, string]>('SELECT id FROM inputs WHERE content_hash = ? AND input_size = ?');
      const add = this.sql(
        'INSERT INTO inputs (content_hash, input_size, width, height, pixels) VALUES (?, ?, ?, ?, ?)',
      );
      const dropOldest = this.sql('DELETE FROM inputs WHERE id = (SELECT min(id) FROM inputs)');
      const fits = (bytes: number) => this.usedBytes() + bytes <= this.options.maxBytes;
      database
        .transaction(() => {
          const most = entries.reduce((sum, { modelInput }) => sum + modelInput.pixels.byteLength + OVERHEAD, 0);
          const plenty = fits(most); // Looking takes as long as adding one.
          for (const { contentHash, inputSize, modelInput } of entries) {
            if (has.get(contentHash, inputSize)) continue;
            const { width, height, pixels } = modelInput;
            while (!plenty && !fits(pixels.byteLength) && dropOldest.run().changes > 0);
            if (plenty || fits(pixels.byteLength)) add.run(contentHash, inputSize, width, height, pixels);
          }
        })
        .immediate();
    });
  }

  /** Forgets contents, in all sizes. */
  remove(contentHashes: readonly string[]): void {
    if (contentHashes.length === 0 || !existsSync(this.options.file)) return;
    this.attempt(undefined, () => {
      const database = this.openForWriting();
      const remove = this.sql<[string]>('DELETE FROM inputs WHERE content_hash = ?');
      database.transaction(() => contentHashes.forEach((hash) => remove.run(hash)))();
    });
  }

  /** How many it holds. @throws where it cannot be read */
  count(): number {
    return this.inspect((database) => column<[], number>(database, 'SELECT count(*) FROM inputs').get()!) ?? 0;
  }

  /** What is wrong with it, a line each. @throws where it cannot be read */
  faults(): string[] {
    const found = this.inspect((database) => {
      const lines = (database.pragma('integrity_check(100)') as { integrity_check: string }[]).map(
        (row) => row.integrity_check,
      );
      const wrong = column<[], string>(
        database,
        `SELECT 'model input of ' || content_hash || ': ' || length(pixels) || ' bytes, ' || width || ' x ' || height
         FROM inputs WHERE length(pixels) <> 3 * width * height LIMIT 1000`,
      );
      return [...lines.filter((line) => line !== 'ok'), ...wrong.all()];
    });
    return found ?? [];
  }

  /** Forgets those that `keeps` does not want, and gives their room back; one that is of no use goes. @throws where it cannot be written */
  compact(keeps: (key: InputKey) => boolean): void {
    if (!existsSync(this.options.file)) return;
    try {
      this.forgetAllBut(keeps);
    } catch (error) {
      if (!isUseless(error)) throw error;
      this.discard();
    }
  }

  private forgetAllBut(keeps: (key: InputKey) => boolean): void {
    const database = this.openForWriting();
    const page = this.sql<[number], InputKey & { id: number }>(
      `SELECT id, content_hash AS contentHash, input_size AS inputSize FROM inputs WHERE id > ? ORDER BY id LIMIT 1000`,
    );
    const remove = this.sql<[number]>('DELETE FROM inputs WHERE id = ?');
    for (let after = 0; ;) {
      const rows = page.all(after);
      if (rows.length === 0) break;
      after = rows.at(-1)!.id;
      database.transaction(() => rows.filter((row) => !keeps(row)).forEach(({ id }) => remove.run(id)))();
    }
    vacuum(database);
  }

  /** Removes it. It is filled again as images are indexed and searched. */
  discard(): void {
    this.close();
    removeDatabase(this.options.file);
  }

  close(): void {
    if (this.database) closeDatabase(this.database);
    this.database = undefined;
    this.writing = false;
  }

  private open(): Connection | undefined {
    const { file } = this.options;
    if (!this.database && existsSync(file)) {
      this.database = openDatabase(file, INPUTS_STEPS);
      if (isOutdated(this.database, INPUTS_STEPS)) this.tryDiscard();
    }
    return this.database;
  }

  private openForWriting(): Connection {
    if (!existsSync(this.options.file) || !this.open()) {
      this.close();
      createDatabase(this.options.file, INPUTS_STEPS, () => {});
    }
    const database = this.open()!;
    if (!this.writing) beginWriting(database, 'NORMAL');
    this.writing = true;
    return database;
  }

  private sql<P extends unknown[] = unknown[], Row = unknown>(source: string) {
    return this.database!.prepare<P, Row>(source);
  }

  /** Pages in use: the file itself does not shrink, but what was dropped makes room for what comes. */
  private usedBytes(): number {
    const pragma = (name: string) => this.database!.pragma(name, { simple: true }) as number;
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  }

  private attempt<T>(otherwise: T, run: () => T): T {
    try {
      return run();
    } catch (error) {
      const { file, onNote } = this.options;
      if (!this.noted) onNote(`The cache of model inputs, ${file}, is passed over: ${messageOf(error)}`);
      this.noted = true;
      if (isUseless(error)) this.tryDiscard();
      return otherwise;
    }
  }

  /** A cache that cannot be used is in the way of one that can. */
  private tryDiscard(): void {
    try {
      this.discard();
    } catch {
      // It stays, and is passed over each time.
    }
  }

  /** Looks at the file as it is, without discarding one that is of no use. */
  private inspect<T>(look: (database: Connection) => T): T | undefined {
    if (!existsSync(this.options.file)) return undefined;
    const database = openDatabase(this.options.file, INPUTS_STEPS);
    try {
      return isOutdated(database, INPUTS_STEPS) ? undefined : look(database);
    } finally {
      database.close();
    }
  }
}

/** Damaged, empty or of another version. */
function isUseless(error: unknown): boolean {
  return isDamage(error) || (error instanceof PatchwordError && error.code === 'COLLECTION_DAMAGED');
}
