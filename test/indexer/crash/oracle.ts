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
      case 'upsert':
        this.upsert(call.argument, result as number[] | undefined);
        break;
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

  private upsert({ sourceId, images }: { sourceId: number; images: ToldRecord[] }, ids?: number[]): void {
    const contents = new Set(images.map(({ contentHash }) => contentHash));
    const before = images.map(({ file }) => this.files.get(keyOf({ sourceId, file })));
    images.forEach((record, at) => {
      const known = before[at];
      const { contentHash } = record;
      if (!this.images.has(contentHash)) {
        assert.ok(!this.removed.has(contentHash), `${record.file}: a content that was removed is brought back`);
        // The one file of an image takes it along to its next content, unless another file comes to have the one before.
        const alone = known && this.filesOf(known.contentHash).length === 1 && !contents.has(known.contentHash);
        const kept = alone ? this.images.get(known.contentHash)! : this.newId(ids?.[at]);
        if (alone) this.drop(known.contentHash);
        this.images.set(contentHash, kept);
      } else if (record.embedding) this.unsearchable.delete(contentHash);
      this.agree(record, ids?.[at]);
      const state = { sourceId, ...stateOf(record), missing: false };
      this.files.set(keyOf(state), state);
      this.quarantined.delete(keyOf(state));
    });
    for (const known of before) if (known && this.filesOf(known.contentHash).length === 0) this.drop(known.contentHash);
  }

  /** With the id that was acknowledged. */
  private agree({ file, contentHash }: ToldRecord, imageId: number | undefined): void {
    const expected = this.images.get(contentHash)!;
    if (imageId === undefined) return;
    assert.ok(expected === imageId || expected === UNKNOWN, `${file}: image ${imageId}, and it was ${expected}`);
    this.images.set(contentHash, imageId);
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

function stateOf({ file, contentHash, captions, split, attributes, modified }: ToldRecord) {
  const texts = captions.map(({ text }) => text);
  return { file, contentHash, captions: texts, split, attributes: attributes, modified };
}
