import type { Inference, PreparedImage } from '../src/inference/inference.js';
import {
  hashContent,
  type Original,
  originalFile,
  type OriginalStatus,
  readOriginal,
  statOriginal,
  takeOriginal,
} from '../src/original.js';
import { isWithinLimits, recordSize, type RecordSize } from '../src/store/limits.js';
import type { ImageRecord, QuarantinedFile, StoredFile } from '../src/store/store.js';
import type { Coming, Contents } from './contents.js';
import type { LookedUp } from './lookup.js';
import { IMAGE_LIMITS } from '../src/vilt/limits.js';
import { hasSameLabels, looksUnchanged, reasonToSkip, shortenReason, sizeOf } from './preparation.js';
import { isSkipped, type Reader, type SourceImage } from './readers/reader.js';
import { type Turn, Turns } from './turns.js';

/** A picture to be written, but for its embeddings. */
export interface Pending {
  outcome: 'added' | 'updated' | 'unchanged' | 'duplicates';
  record: Omit<ImageRecord, 'embedding' | 'captions'>;
  captions: string[];
  size: RecordSize;
  /** What `Contents` is told once it is written. */
  begun: { coming: Coming | null; left: string | null };
}

/** An entry that cannot be used. `fresh`: the catalog does not say so yet. */
export interface Refusal {
  outcome: 'quarantined';
  file: Omit<QuarantinedFile, 'sourceId' | 'tried'>;
  fresh: boolean;
}

/** What comes of one entry. `released`: it is in quarantine without cause; `gone`: the collection has it and its file is not there. */
export type Examined =
  | Pending
  | Refusal
  | { outcome: 'same'; file: string; released: boolean }
  | { outcome: 'removed'; file: string; known: boolean; released: boolean }
  | { outcome: 'gone'; file: string }
  | { outcome: 'passed' };

export interface ExaminationOptions {
  inference: Inference;
  contents: Contents;
  /** Absolute folder of the source. */
  root: string;
  /** What the reader says of archives and tables. */
  listed: Reader['listed'];
  /** Tries what is in quarantine, and passes everything else. */
  retry: boolean;
  signal: AbortSignal | undefined;
}

/** A picture that was looked at. */
interface Seen {
  image: SourceImage;
  known: StoredFile | null;
  status: OriginalStatus;
  size: RecordSize;
  /** Where it has been read already. */
  bytes: Uint8Array | null;
}

/** A failure that is the picture's own. `gone`: its file is not there. */
class Unusable extends Error {
  readonly gone: boolean;

  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
    const { code } = ((cause as Error | undefined)?.cause ?? {}) as NodeJS.ErrnoException;
    this.gone = code === 'ENOENT';
  }
}

/**
 * Finds out what is to be done with each entry of a source: looks at it, reads it where it is new or changed, and decodes
 * it where its content is. Many may run at once, begun in the order in which they are written.
 */
export class Examination {
  readonly #turns = new Turns();
  /** Stands for any embedding where only sizes count. */
  readonly #zero: Float32Array;

  constructor(private readonly options: ExaminationOptions) {
    this.#zero = new Float32Array(options.inference.info.prefilter?.dimension ?? 0);
  }

  async examine({ entry, known, quarantined }: LookedUp): Promise<Examined> {
    if (this.options.retry && !quarantined) return { outcome: 'passed' };
    if (isSkipped(entry)) return refuse(entry.file, { reason: entry.reason, status: null, quarantined });
    const turn = this.#turns.take();
    // As it was before it was read: what is written meanwhile is found to have changed by the next pass.
    const before: { status: OriginalStatus | null } = { status: null };
    try {
      const size = this.#sizeOf(entry);
      const { status, bytes } = await this.#attempt(entry, () => this.#look({ entry, known, quarantined }));
      before.status = status;
      return await this.#compare({ image: entry, known, status, size, bytes }, { quarantined, turn });
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      if (error.gone && known) return { outcome: 'gone', file: entry.name };
      const { status: found } = before;
      // An archive that was replaced since it was listed has something else there; the next pass finds the right place.
      const listed = this.options.listed?.get(entry.location.file);
      const status = found && { bytes: sizeOf(entry, found), modified: listed ?? found.modified };
      return refuse(entry.name, { reason: error.message, status, quarantined });
    } finally {
      turn.end();
    }
  }

  /** What is new is read at once; what is not need not be. */
  async #look({ entry, known, quarantined }: LookedUp & { entry: SourceImage }) {
    const original = this.#original(entry);
    if (!known && !quarantined && !entry.bytes) return takeOriginal(original, IMAGE_LIMITS);
    return { status: await statOriginal(original), bytes: null };
  }

  #original({ location }: SourceImage): Original {
    const { root } = this.options;
    return { root, realRoot: root, location };
  }

  async #compare(seen: Seen, { quarantined, turn }: Pick<LookedUp, 'quarantined'> & { turn: Turn }): Promise<Examined> {
    const { image, known, status } = seen;
    if (known && looksUnchanged(image, status, known)) {
      if (known.missing || !hasSameLabels(image, known)) return pending(seen, 'updated', known);
      return { outcome: 'same', file: image.name, released: quarantined !== null };
    }
    const tried = quarantined?.modified === status.modified && quarantined.bytes === sizeOf(image, status);
    if (tried && !this.options.retry) return { outcome: 'quarantined', file: quarantined, fresh: false };
    const bytes =
      seen.bytes ??
      image.bytes ??
      (await this.#attempt(image, () => readOriginal(this.#original(image), IMAGE_LIMITS)));
    const contentHash = hashContent(bytes);
    await turn.come();
    return this.#decide(seen, { bytes, contentHash, quarantined, turn });
  }

  /** In its turn, so that of equal contents the first is embedded. */
  async #decide(
    seen: Seen,
    {
      bytes,
      contentHash,
      quarantined,
      turn,
    }: Pick<LookedUp, 'quarantined'> & { bytes: Uint8Array; contentHash: string; turn: Turn },
  ): Promise<Examined> {
    const { image, known } = seen;
    const { contents, inference, signal } = this.options;
    const content = { contentHash, bytes: bytes.length };
    if (known?.searchable && known.contentHash === contentHash) {
      // Only touched, or moved within its archive.
      return pending(seen, known.missing || !hasSameLabels(image, known) ? 'updated' : 'unchanged', content);
    }
    const verdict = await contents.find(contentHash);
    if (verdict === 'removed') {
      return { outcome: 'removed', file: image.name, known: known !== null, released: quarantined !== null };
    }
    const left = known && known.contentHash !== contentHash ? known.contentHash : null;
    if (left !== null) contents.leave(left);
    if (verdict === 'there') {
      return { ...pending(seen, known ? 'updated' : 'duplicates', content), begun: { coming: null, left } };
    }
    const begun = { coming: contents.come(contentHash), left };
    turn.end();
    try {
      const prepared = await this.#attempt(image, () => inference.prepare(bytes, { priority: 'background', signal }));
      begun.coming.tell(true);
      return { ...pending(seen, known ? 'updated' : 'added', content, prepared), begun };
    } catch (error) {
      begun.coming.tell(false);
      contents.settle(begun);
      throw error;
    }
  }

  /** @throws Unusable for more than a store takes at once */
  #sizeOf({ name, location, captions, split, attributes }: SourceImage): RecordSize {
    const scalar = (value: unknown) =>
      value === null || /^(string|boolean)$/.test(typeof value) || Number.isFinite(value);
    const odd = Object.entries(attributes).find(([, value]) => !scalar(value));
    if (odd) throw new Unusable(`its attribute "${odd[0]}" is no text, number, true, false or null`);
    const embedded = captions.map((text) => ({ text, embedding: this.#zero }));
    const hash = { contentHash: '0'.repeat(64), perceptualHash: null };
    const numbers = { bytes: 0, modified: 0, width: 0, height: 0 };
    const labels = { file: name, location, split, attributes };
    const size = recordSize({ ...hash, ...numbers, ...labels, embedding: this.#zero, captions: embedded });
    if (isWithinLimits(size)) return size;
    throw new Unusable(
      `its ${size.items - 1} captions and attributes have ${size.bytes} bytes, more than is stored of one picture`,
    );
  }

  async #attempt<T>(image: SourceImage, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw new Unusable(reasonToSkip(error, originalFile(this.options.root, image.location)), error);
    }
  }
}

function pending(
  { image, status, size }: Seen,
  outcome: Pending['outcome'],
  { contentHash, bytes }: { contentHash: string; bytes: number },
  prepared?: PreparedImage,
): Pending {
  const { name, location, split, attributes, captions } = image;
  // Of a content that is there the store has these.
  const { width, height, perceptualHash, modelInput } = prepared ?? {
    width: 0,
    height: 0,
    perceptualHash: null,
    modelInput: null,
  };
  const picture = { contentHash, bytes, modified: status.modified, width, height, perceptualHash, modelInput };
  return {
    outcome,
    record: { ...picture, file: name, location, split, attributes },
    captions,
    size,
    begun: { coming: null, left: null },
  };
}

function refuse(
  file: string,
  options: {
    reason: string;
    status: { bytes: number | null; modified: number } | null;
    quarantined: QuarantinedFile | null;
  },
): Refusal {
  const { status, quarantined } = options;
  const reason = shortenReason(options.reason.toWellFormed());
  const { bytes, modified } = status ?? { bytes: null, modified: null };
  const told = quarantined?.reason === reason && quarantined.bytes === bytes && quarantined.modified === modified;
  return { outcome: 'quarantined', file: { file, reason, bytes, modified }, fresh: !told };
}
