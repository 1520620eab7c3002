import assert from 'node:assert/strict';
import type { Attributes } from '../../../src/filter.js';
import type { Call, ToldRecord } from './journal.js';

/** What a collection has of a file of a source. */
export interface FileState {
  sourceId: number;
  file: string;
  contentHash: string;
  captions: string[];
  split: string | null;
  attributes: Attributes;
  modified: number;
  missing: boolean;
}

/** Images that a reindex which is not finished has embedded, by id. */
interface Reindexed {
  model: string;
  images: Map<number, { contentHash: string; captions: ReadonlySet<string> }>;
}

/** The id of an image whose writing was not acknowledged. */
export const UNKNOWN = 0;

export function keyOf({ sourceId, file }: { sourceId: number; file: string }): string {
  return `${sourceId} ${file}`;
}

/**
 * What a collection must hold after calls of the store, by the words of its contract: maps in the place of tables, and no
 * transactions, files or vectors.
 */
export class Oracle {
  /** Ids by path. */
  readonly sources = new Map<string, number>();
  readonly files = new Map<string, FileState>();
  /** Ids of images by content hash. */
  readonly images = new Map<string, number>();
  readonly removed = new Set<string>();
  readonly quarantined = new Set<string>();
  /** Contents whose pictures could not be read when the collection was reindexed. */
  readonly unsearchable = new Set<string>();
  /** The highest id that an image ever had. */
  lastId = 0;
  reindexed: Reindexed | null = null;

  /** @param model hash of the model that the collection is bound to */
  constructor(public model: string) {}

  clone(): Oracle {
    const copy = new Oracle(this.model);
    return Object.assign(copy, structuredClone({ ...this }));
  }

  /** @param result what the call gave, where that is known */
  apply(call: Call, result?: unknown): void {
    switch (call.method) {
      case 'addSource':
        this.sources.set(call.argument.path, (result as { sourceId: number } | undefined)?.sourceId ?? UNKNOWN);
        break;
      case 'upsert': {
        const ids = result as number[] | undefined;
        call.argument.images.forEach((record, at) => this.put(call.argument.sourceId, record, ids?.[at]));
        break;
      }
      case 'markMissing':
        for (const file of call.argument.files) {
          const known = this.files.get(keyOf({ ...call.argument, file }));
          if (known) this.files.set(keyOf(known), { ...known, missing: true });
        }
        break;
      case 'removeFiles':
        for (const file of call.argument.files) this.forget(keyOf({ ...call.argument, file }));
        break;
      case 'remove':
        for (const id of call.argument) this.remove(id);
        break;
      case 'restore':
        if (call.argument === undefined) this.removed.clear();
        else for (const hash of call.argument) this.removed.delete(hash);
        break;
      case 'quarantine':
        for (const { file } of call.argument.files) this.quarantined.add(keyOf({ ...call.argument, file }));
        break;
      case 'clearQuarantine':
        this.clearQuarantine(call.argument);
        break;
      case 'beginReindex': {
        const { hash } = call.argument;
        if (this.reindexed?.model !== hash) this.reindexed = { model: hash, images: new Map() };
        break;
      }
      case 'putReembeddings':
        for (const { imageId, embedding } of call.argument) {
          const contentHash = this.contentOf(imageId);
          if (!embedding || contentHash === undefined) continue;
          this.reindexed!.images.set(imageId, { contentHash, captions: this.captionsOf(contentHash) });
        }
        break;
      case 'finishReindex':
        this.model = this.reindexed!.model;
        this.reindexed = null;
        this.unsearchable.clear();
        for (const id of call.argument.unreadable) this.unsearchable.add(this.contentOf(id)!);
        break;
      case 'moveSource':
        throw new Error('No task moves a source.');
      case 'flush':
      case 'compact':
    }
  }

  contentOf(imageId: number): string | undefined {
    return [...this.images].find(([, id]) => id === imageId)?.[0];
  }

  captionsOf(contentHash: string): Set<string> {
    return new Set(this.filesOf(contentHash).flatMap(({ captions }) => captions));
  }

  filesOf(contentHash: string): FileState[] {
    return [...this.files.values()].filter((file) => file.contentHash === contentHash);
  }

  /** Images that a reindex with a model, gone on with, need not embed again. */
  reindexedImages(model: string): number[] {
    if (this.reindexed?.model !== model) return [];
    const isThere = (id: number, { contentHash, captions }: { contentHash: string; captions: ReadonlySet<string> }) =>
      this.images.get(contentHash) === id && [...this.captionsOf(contentHash)].every((text) => captions.has(text));
    return [...this.reindexed.images].filter(([id, image]) => isThere(id, image)).map(([id]) => id);
  }

  private put(sourceId: number, record: ToldRecord, imageId: number | undefined): void {
    const { file, contentHash, split, modified, embedding } = record;
    const captions = record.captions.map(({ text }) => text);
    const attributes = record.attributes as Attributes;
    const key = keyOf({ sourceId, file });
    const known = this.files.get(key);
    const alone = known !== undefined && this.filesOf(known.contentHash).length === 1;
    if (!this.images.has(contentHash)) {
      assert.ok(!this.removed.has(contentHash), `${file}: a content that was removed is brought back`);
      // The one file of an image takes it along to its next content.
      const kept = alone ? this.images.get(known.contentHash)! : this.newId(imageId);
      if (alone) this.drop(known.contentHash);
      this.images.set(contentHash, kept);
    } else if (embedding) this.unsearchable.delete(contentHash);
    const expected = this.images.get(contentHash)!;
    if (imageId !== undefined) {
      assert.ok(expected === imageId || expected === UNKNOWN, `${file}: image ${imageId}, and it was ${expected}`);
      this.images.set(contentHash, imageId);
    }
    const state = { sourceId, file, contentHash, captions, split, attributes, modified };
    this.files.set(key, { ...state, missing: false });
    if (known && known.contentHash !== contentHash && this.filesOf(known.contentHash).length === 0)
      this.drop(known.contentHash);
    this.quarantined.delete(key);
  }

  private newId(imageId: number = UNKNOWN): number {
    if (imageId !== UNKNOWN) {
      assert.ok(imageId > this.lastId, `image ${imageId} is new, and ids up to ${this.lastId} were given before`);
      this.lastId = imageId;
    }
    return imageId;
  }

  private forget(key: string): void {
    const known = this.files.get(key);
    this.files.delete(key);
    if (known && this.filesOf(known.contentHash).length === 0) this.drop(known.contentHash);
  }

  private remove(imageId: number): void {
    const contentHash = this.contentOf(imageId);
    if (contentHash === undefined) return;
    for (const file of this.filesOf(contentHash)) this.files.delete(keyOf(file));
    this.drop(contentHash);
    this.removed.add(contentHash);
  }

  private drop(contentHash: string): void {
    this.images.delete(contentHash);
    this.unsearchable.delete(contentHash);
  }

  private clearQuarantine({ sourceId, files }: { sourceId?: number; files?: string[] }): void {
    const keys = files && sourceId !== undefined ? files.map((file) => keyOf({ sourceId, file })) : null;
    assert.ok(keys !== null || sourceId === undefined, 'no task clears the quarantine of one source');
    for (const key of keys ?? [...this.quarantined]) this.quarantined.delete(key);
  }
}
