import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../src/folder.js';
import { hashContent } from '../src/original.js';
import type { Logger } from 'pino';
import { THUMBNAIL_DEFAULTS, thumbnail } from '../src/thumbnail.js';
import { Gate, type GateLimits } from './gate.js';

interface ThumbnailOptions {
  /** Where thumbnails are kept, one file a content hash. */
  folder: string;
  /** The most they may take on disk; beyond it the oldest go. */
  maxBytes: number;
  gate: GateLimits;
  logger: Logger;
}

interface Made {
  bytes: Buffer;
  /** Of the original that it was made of. */
  hash: string;
}

/** Thumbnails made once and kept on disk. A folder that cannot be written costs time, never an answer. */
export class Thumbnails {
  readonly #gate: Gate;
  /** By the content hash that was asked for. */
  readonly #making = new Map<string, Promise<Made>>();
  /** Bytes kept; null until counted. */
  #bytes: number | null = null;

  constructor(private readonly options: ThumbnailOptions) {
    this.#gate = new Gate(options.gate);
  }

  /**
   * WebP bytes of one image's thumbnail, and whether the original is still what `contentHash` (SHA-256, hex) says.
   *
   * @throws PatchwordError IMAGE_UNREADABLE, IMAGE_TOO_LARGE, TOO_BUSY
   */
  async get(contentHash: string, original: () => Promise<Uint8Array>): Promise<{ bytes: Buffer; current: boolean }> {
    const kept = this.#file(contentHash);
    const cached = await readFile(kept).catch(() => null);
    if (cached) return { bytes: cached, current: true };
    const making = this.#making.get(contentHash) ?? this.#make(contentHash, original);
    const { bytes, hash } = await making;
    return { bytes, current: hash === contentHash };
  }

  /** Reads the original in its turn, too: of all that wait, originals would fill the memory. */
  #make(contentHash: string, original: () => Promise<Uint8Array>): Promise<Made> {
    const making = this.#gate
      .run(async () => {
        const source = await original();
        const hash = hashContent(source);
        const bytes = Buffer.from(await thumbnail(source));
        await this.#keep(hash, bytes).catch((error: unknown) => {
          this.options.logger.warn({ err: error }, 'a thumbnail could not be kept');
        });
        return { bytes, hash };
      })
      .finally(() => this.#making.delete(contentHash));
    this.#making.set(contentHash, making);
    return making;
  }

  async #keep(hash: string, bytes: Buffer): Promise<void> {
    const { folder, maxBytes } = this.options;
    makeFolder(folder);
    // Written beside and renamed, so that no reader ever sees half a picture.
    const partial = path.join(folder, `${randomUUID()}.partial`);
    try {
      await writeFile(partial, bytes);
      await rename(partial, this.#file(hash));
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    this.#bytes = this.#bytes === null ? total(await this.#list()) : this.#bytes + bytes.length;
    if (this.#bytes > maxBytes) await this.#evict();
  }

  /** Removes the oldest down to nine tenths of the bound, so that it happens rarely. */
  async #evict(): Promise<void> {
    const kept = (await this.#list()).sort((a, b) => a.modified - b.modified);
    let bytes = total(kept);
    for (const { file, size } of kept) {
      if (bytes <= this.options.maxBytes * 0.9) break;
      await rm(file, { force: true });
      bytes -= size;
    }
    this.#bytes = bytes;
  }

  async #list(): Promise<{ file: string; size: number; modified: number }[]> {
    const names = await readdir(this.options.folder);
    const files = names.map((name) => path.join(this.options.folder, name));
    const stats = await Promise.all(files.map((file) => stat(file).catch(() => null)));
    return files.flatMap((file, i) => {
      const { size, mtimeMs } = stats[i] ?? {};
      return size === undefined || mtimeMs === undefined ? [] : [{ file, size, modified: mtimeMs }];
    });
  }

  #file(hash: string): string {
    return path.join(this.options.folder, `${hash}-${THUMBNAIL_DEFAULTS.edge}.webp`);
  }
}

function total(files: { size: number }[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
