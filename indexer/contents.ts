import type { Store } from '../src/store/store.js';

/** What to do with a picture of some content. */
export type Verdict = 'embed' | 'there' | 'removed';

/** A content on its way into a collection. */
export class Coming {
  /** Says whether it could be decoded. Called once. */
  tell!: (decoded: boolean) => void;
  readonly decoded = new Promise<boolean>((resolve) => (this.tell = resolve));

  constructor(readonly contentHash: string) {}
}

/**
 * Which contents a collection has, those included that are on their way there: every content is embedded once. Asked in
 * the order in which pictures are written.
 */
export class Contents {
  readonly #coming = new Map<string, Coming>();
  /** How many files being written had a content before: the collection may lose it. */
  readonly #leaving = new Map<string, number>();

  constructor(private readonly store: Store) {}

  /** What the collection will have of a content once all that was asked before is written. */
  async find(contentHash: string): Promise<Verdict> {
    const before = this.#coming.get(contentHash);
    const [found] = await this.store.findContents([contentHash]);
    if (found === 'removed') return 'removed';
    // What was written meanwhile has gone from here, but was on its way before.
    const coming = this.#coming.get(contentHash) ?? before;
    if (coming && (await coming.decoded)) return 'there';
    if (found === null || this.#leaving.has(contentHash)) return 'embed';
    // One that a reindex could not read is there and in no search: an embedding mends that.
    const [image] = await this.store.getImages([found]);
    return image?.searchable ? 'there' : 'embed';
  }

  /** A content comes, unless it cannot be decoded. */
  come(contentHash: string): Coming {
    const coming = new Coming(contentHash);
    this.#coming.set(contentHash, coming);
    return coming;
  }

  /** A file has another content than it had. */
  leave(contentHash: string): void {
    this.#leaving.set(contentHash, (this.#leaving.get(contentHash) ?? 0) + 1);
  }

  /** What was begun is written, or given up. */
  settle({ coming, left }: { coming: Coming | null; left: string | null }): void {
    if (coming && this.#coming.get(coming.contentHash) === coming) this.#coming.delete(coming.contentHash);
    if (left === null) return;
    const others = (this.#leaving.get(left) ?? 1) - 1;
    if (others > 0) this.#leaving.set(left, others);
    else this.#leaving.delete(left);
  }
}
