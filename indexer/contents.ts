import type { Store } from '../src/store/store.js';

/** What to do with a picture of some content. */
export type Verdict = 'embed' | 'there' | 'removed';

/**
 * Which contents a collection has, those included that are on their way there: every content is embedded once. Asked in
 * the order in which pictures are written.
 */
export class Contents {
  /** Contents being decoded, embedded or written; whether they could be decoded. */
  readonly #coming = new Map<string, Promise<boolean>>();
  /** Contents that files being written had before. The collection may lose them. */
  readonly #leaving = new Map<string, number>();

  constructor(private readonly store: Store) {}

  /** What the collection will have of a content once all that was asked before is written. */
  async find(contentHash: string): Promise<Verdict> {
    const coming = this.#coming.get(contentHash);
    const [found] = await this.store.findContents([contentHash]);
    if (found === 'removed') return 'removed';
    // What came between the two looks is on its way still, or was found.
    const decoded = await (coming ?? this.#coming.get(contentHash));
    if (decoded) return 'there';
    return found !== null && !this.#leaving.has(contentHash) ? 'there' : 'embed';
  }

  /** A content comes, if it can be decoded. */
  come(contentHash: string, decoded: Promise<boolean>): void {
    this.#coming.set(contentHash, decoded);
  }

  /** A file has another content than the collection knows. */
  leave(contentHash: string): void {
    this.#leaving.set(contentHash, (this.#leaving.get(contentHash) ?? 0) + 1);
  }

  /** What was begun with a file is written, or given up. */
  settle({ came, left }: { came: string | null; left: string | null }): void {
    if (came !== null) this.#coming.delete(came);
    if (left === null) return;
    const others = (this.#leaving.get(left) ?? 1) - 1;
    if (others > 0) this.#leaving.set(left, others);
    else this.#leaving.delete(left);
  }
}
