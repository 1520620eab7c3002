import type { Inference } from '../src/inference/inference.js';
import { splitBatch } from '../src/store/limits.js';
import type { ImageRecord, Store } from '../src/store/store.js';
import { embedInBatches, embedPictures, PREPARATION } from './batches.js';
import { Contents } from './contents.js';
import { type Examined, Examination, type Pending, type Refusal } from './examination.js';
import { mapAhead } from './lookahead.js';
import { type LookedUp, lookUp, nameOf } from './lookup.js';
import { Names } from './names.js';
import { isSkipped, type Reader, type SkippedImage } from './readers/reader.js';

export interface PassOptions {
  store: Store;
  inference: Inference;
  reader: Reader;
  sourceId: number;
  /** Tries what is in quarantine, and passes everything else. */
  retry: boolean;
  /** Called with how many entries are done. */
  onProgress: (done: number) => void;
  /** Aborting stops after the batches under way, which are kept. */
  signal: AbortSignal | undefined;
}

/** Entries by what came of them. */
export interface PassCounts {
  added: number;
  updated: number;
  unchanged: number;
  /** New files whose picture the collection had. */
  duplicates: number;
  /** Pictures that `remove` keeps out. */
  removed: number;
  quarantined: number;
}

/** How many of the entries that cannot be used are named in a result; quarantine names them all. */
const SKIPPED_NAMED = 100;

/** Entries in quarantine are written together. */
const REFUSALS = 200;

/** Progress of what needs no writing is told once in so many entries. */
const TELL_EVERY = 50;

/**
 * Goes through a source once: entries are looked up, read, decoded, embedded and written, the stages overlapping, each as
 * far ahead of the next as its bounds allow. What is written is told in the catalog batch by batch, so that a pass that was
 * stopped, or killed, is continued by the next one.
 */
export class Pass {
  readonly counts: PassCounts = { added: 0, updated: 0, unchanged: 0, duplicates: 0, removed: 0, quarantined: 0 };
  /** The first of the entries that cannot be used. */
  readonly skipped: SkippedImage[] = [];
  /** Names that the source has. */
  readonly seen = new Names();
  /** The ones that cannot be used, or not as a whole. Not all that is in them (a folder, an archive, a table) was seen. */
  readonly unusable = new Names();
  /** And the ones that hold a picture which is kept out: what the collection has of them is not there any more. */
  readonly replaced = new Names();
  /** The first entry of which the source does not tell the image. */
  nameless: string | null = null;

  readonly #contents: Contents;
  readonly #examination: Examination;
  #refusals: Refusal['file'][] = [];
  #released: string[] = [];
  #gone = 0;

  constructor(private readonly options: PassOptions) {
    const { store, inference, reader, retry, signal } = options;
    this.#contents = new Contents(store);
    const { root, listed } = reader;
    this.#examination = new Examination({ inference, contents: this.#contents, root, listed, retry, signal });
  }

  get done(): number {
    const { added, updated, unchanged, duplicates, removed, quarantined } = this.counts;
    return added + updated + unchanged + duplicates + removed + quarantined + this.#gone;
  }

  async run(): Promise<void> {
    const { reader, signal } = this.options;
    const listed = this.#listed(lookUp(reader.entries(), this.options));
    const examined = mapAhead(listed, PREPARATION, (found) => this.#examination.examine(found));
    await embedInBatches({
      items: this.#pending(examined),
      sizeOf: ({ size }) => size,
      signal,
      embed: (batch) => this.#embed(batch),
      write: (records, batch) => this.#write(records, batch),
    });
    await this.#writeQuarantine();
    this.options.onProgress(this.done);
  }

  /** Entries that are to be looked at: each name once. */
  async *#listed(found: AsyncIterable<LookedUp>): AsyncGenerator<LookedUp> {
    for await (const item of found) {
      if (this.options.signal?.aborted) return;
      const { entry } = item;
      const name = nameOf(entry);
      if (isSkipped(entry) && entry.within) this.unusable.add(entry.within);
      if (isSkipped(entry) && entry.nameless) this.nameless ??= name;
      if (this.seen.add(name)) yield item;
      else {
        // What was said of the name itself stays.
        const file = `${name} (listed again)`;
        if (!this.seen.add(file)) {
          if (!this.options.retry) this.counts.quarantined += 1; // One reason is kept of all.
          continue;
        }
        const reason = isSkipped(entry) ? entry.reason : 'the source lists it a second time';
        const { store, sourceId } = this.options;
        const [quarantined] = await store.getQuarantined({ sourceId, files: [file] });
        yield { entry: { file, reason }, known: null, quarantined };
      }
    }
  }

  /** Counts what needs no writing, and hands on the rest. */
  async *#pending(examined: AsyncIterable<Examined>): AsyncGenerator<Pending> {
    let told = 0;
    for await (const result of examined) {
      if (this.options.signal?.aborted) return;
      if ('record' in result) {
        yield result;
        continue;
      }
      await this.#settle(result);
      if (this.done < told + TELL_EVERY) continue;
      told = this.done;
      this.options.onProgress(told);
    }
  }

  async #settle(result: Exclude<Examined, Pending>): Promise<void> {
    const { store, sourceId } = this.options;
    switch (result.outcome) {
      case 'same':
        this.counts.unchanged += 1;
        if (result.released) this.#released.push(result.file);
        break;
      case 'removed':
        this.counts.removed += 1;
        if (result.released) this.#released.push(result.file);
        if (!result.known) break;
        this.replaced.add(result.file);
        await store.markMissing({ sourceId, files: [result.file] });
        break;
      case 'gone':
        this.#gone += 1;
        this.seen.delete(result.file);
        break;
      case 'quarantined':
        this.counts.quarantined += 1;
        this.unusable.add(result.file.file);
        if (this.skipped.length < SKIPPED_NAMED) {
          const { file, reason } = result.file;
          this.skipped.push({ file, reason });
        }
        if (result.fresh) this.#refusals.push(result.file);
        break;
      case 'passed':
    }
    if (this.#refusals.length + this.#released.length >= REFUSALS) await this.#writeQuarantine();
  }

  async #embed(batch: Pending[]): Promise<ImageRecord[]> {
    const pictures = batch.map(({ record, captions }) => ({ modelInput: record.modelInput, captions }));
    const embeddings = await embedPictures(this.options.inference, pictures);
    return batch.map(({ record, captions }, index) => ({
      ...record,
      embedding: embeddings[index].embedding,
      captions: captions.map((text, at) => ({ text, embedding: embeddings[index].captions[at] })),
    }));
  }

  async #write(records: ImageRecord[], batch: Pending[]): Promise<void> {
    const { store, sourceId } = this.options;
    for (const images of splitBatch(records)) await store.upsert({ sourceId, images });
    for (const { outcome, begun } of batch) {
      this.#contents.settle(begun);
      this.counts[outcome] += 1;
    }
    await this.#writeQuarantine();
    this.options.onProgress(this.done);
  }

  async #writeQuarantine(): Promise<void> {
    const { store, sourceId } = this.options;
    const [refusals, released] = [this.#refusals, this.#released];
    [this.#refusals, this.#released] = [[], []];
    if (refusals.length > 0) await store.quarantine({ sourceId, files: refusals });
    if (released.length > 0) await store.clearQuarantine({ sourceId, files: released });
  }
}
