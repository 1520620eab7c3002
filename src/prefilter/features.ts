import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { appendFile, open, stat, truncate, writeFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { explainSystemError } from '../errors.js';
import { makeFolder } from '../folder.js';
import { halfToFloat } from '../vilt/checkpoint/tensor.js';
import { toHalf } from '../vilt/graph/quantization.js';

/** A picture whose features are on disk. */
export interface FeaturedPicture {
  /** SHA-256 of its file. */
  contentHash: string;
  /** At least one. */
  captions: string[];
}

/** What became of one batch of a source's entries. */
export interface FeatureBatch {
  /** How many entries it covers, those skipped included. */
  entries: number;
  pictures: FeaturedPicture[];
  skipped: { file: string; reason: string }[];
  /** One a picture, and one a caption, in order: (layers · width). */
  images: Float32Array[];
  texts: Float32Array[];
}

/** Features of one layer: of some pictures in order, and of each one's captions. */
export interface FeatureBlock {
  /** Position of the first picture. */
  from: number;
  images: Float32Array[];
  texts: Float32Array[][];
}

const PICTURES_A_BLOCK = 256;
const HALF_BYTES = 2;

const IMAGES = 'images.f16';
const TEXTS = 'texts.f16';
const BATCHES = 'batches.jsonl';
const KEY = 'key.txt';

const batchSchema = z.object({
  entries: z.number().int().positive(),
  pictures: z.array(z.object({ contentHash: z.string(), captions: z.array(z.string()) })),
  skipped: z.array(z.object({ file: z.string(), reason: z.string() })),
});

/**
 * Features on their way to a fit, in float16 files: 100,000 pairs of ViLT-B/32 take 1.9 GB. Batches are appended whole, so
 * that a run that was interrupted continues after its last one.
 */
export class FeatureFiles {
  readonly pictures: FeaturedPicture[] = [];
  readonly skipped: FeatureBatch['skipped'] = [];
  /** Entries of the source that are done. */
  entries = 0;
  private captions = 0;

  private constructor(
    readonly folder: string,
    private readonly layers: number,
    private readonly width: number,
  ) {}

  /**
   * Opens the features of an earlier run of the same key (weights, settings, source, precision), or begins.
   *
   * @param width of one layer's features
   * @throws PatchwordError DISK_FULL, READ_ONLY
   */
  static async open(options: { folder: string; key: string; layers: number; width: number }): Promise<FeatureFiles> {
    const { folder, key, layers, width } = options;
    const files = new FeatureFiles(folder, layers, width);
    const file = (name: string) => path.join(folder, name);
    await writing(folder, async () => {
      const same = existsSync(file(KEY)) && readFileSync(file(KEY), 'utf8') === key;
      if (!same) rmSync(folder, { recursive: true, force: true });
      makeFolder(folder);
      for (const name of [IMAGES, TEXTS, BATCHES]) await appendFile(file(name), '');
      if (!same) await writeFile(file(KEY), key);
      await files.recover();
    });
    return files;
  }

  /** @throws PatchwordError DISK_FULL, READ_ONLY */
  async append(batch: FeatureBatch): Promise<void> {
    const { entries, pictures, skipped } = batch;
    await writing(this.folder, async () => {
      await appendFile(this.file(IMAGES), packed(batch.images));
      await appendFile(this.file(TEXTS), packed(batch.texts));
      await appendFile(this.file(BATCHES), `${JSON.stringify({ entries, pictures, skipped })}\n`);
    });
    this.count({ entries, pictures, skipped });
  }

  /** All features of one layer, in order. @param layer position among the layers that are kept */
  async *blocks(layer: number): AsyncGenerator<FeatureBlock> {
    const images = await open(this.file(IMAGES));
    const texts = await open(this.file(TEXTS));
    try {
      let caption = 0;
      for (let from = 0; from < this.pictures.length; from += PICTURES_A_BLOCK) {
        const pictures = this.pictures.slice(from, from + PICTURES_A_BLOCK);
        const captions = pictures.reduce((sum, picture) => sum + picture.captions.length, 0);
        const imageRows = await this.read(images, from, pictures.length, layer);
        const textRows = await this.read(texts, caption, captions, layer);
        let next = 0;
        const grouped = pictures.map((picture) => textRows.slice(next, (next += picture.captions.length)));
        yield { from, images: imageRows, texts: grouped };
        caption += captions;
      }
    } finally {
      await images.close();
      await texts.close();
    }
  }

  /** SHA-256 (hex) of the pictures' contents and their captions. */
  hash(): string {
    const hash = createHash('sha256');
    for (const picture of this.pictures) hash.update(`${JSON.stringify(picture)}\n`);
    return hash.digest('hex');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Whole batches are kept; what a run was writing when it ended is cut off. */
  private async recover(): Promise<void> {
    const imageBytes = (await stat(this.file(IMAGES))).size;
    const textBytes = (await stat(this.file(TEXTS))).size;
    let kept = 0;
    for (const line of readFileSync(this.file(BATCHES), 'utf8').split('\n').slice(0, -1)) {
      const batch = parseBatch(line);
      if (!batch) break;
      const pictures = this.pictures.length + batch.pictures.length;
      const captions = batch.pictures.reduce((sum, picture) => sum + picture.captions.length, this.captions);
      if (pictures * this.rowBytes > imageBytes || captions * this.rowBytes > textBytes) break;
      this.count(batch);
      kept += Buffer.byteLength(line) + 1;
    }
    await truncate(this.file(BATCHES), kept);
    await truncate(this.file(IMAGES), this.pictures.length * this.rowBytes);
    await truncate(this.file(TEXTS), this.captions * this.rowBytes);
  }

  private count({ entries, pictures, skipped }: z.infer<typeof batchSchema>): void {
    this.entries += entries;
    this.pictures.push(...pictures);
    this.skipped.push(...skipped);
    for (const { captions } of pictures) this.captions += captions.length;
  }

  private async read(file: FileHandle, from: number, rows: number, layer: number): Promise<Float32Array[]> {
    const halves = new Uint16Array(rows * this.layers * this.width); // (rows, layers · width)
    await file.read(halves, 0, halves.byteLength, from * this.rowBytes);
    return Array.from({ length: rows }, (_, row) => {
      const at = (row * this.layers + layer) * this.width;
      return Float32Array.from(halves.subarray(at, at + this.width), halfToFloat);
    });
  }

  private get rowBytes(): number {
    return this.layers * this.width * HALF_BYTES;
  }

  private file(name: string): string {
    return path.join(this.folder, name);
  }
}

function packed(rows: readonly Float32Array[]): Buffer {
  return Buffer.concat(rows.map((row) => Buffer.from(toHalf(row).buffer)));
}

function parseBatch(line: string): z.infer<typeof batchSchema> | null {
  try {
    return batchSchema.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

async function writing<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainSystemError(error, folder);
  }
}
