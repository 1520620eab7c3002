import { PatchwordError } from '../src/errors.js';
import type { Filter } from '../src/filter.js';
import { STORE_LIMITS, type Store } from '../src/store/store.js';

export interface RemovalResult {
  /** Images that went, and stay out until they are restored. */
  removed: number;
}

/** Takes images out of a collection, by id or all that a filter lets through. @throws PatchwordError NOT_FOUND for an id that is not there */
export async function removeImages(
  store: Store,
  which: { ids: number[] } | { filter: Filter },
): Promise<RemovalResult> {
  if ('ids' in which) await requireImages(store, which.ids);
  let removed = 0;
  for await (const ids of 'ids' in which ? chunksOf(which.ids) : matches(store, which.filter)) {
    removed += await store.remove(ids);
  }
  await store.flush();
  return { removed };
}

/** Lets removed contents be indexed again: all, or those whose SHA-256 is named. */
export async function restoreContents(store: Store, hashes: string[]): Promise<{ restored: number }> {
  const odd = hashes.find((hash) => !/^[0-9a-f]{64}$/i.test(hash));
  if (odd !== undefined) {
    throw new PatchwordError('INVALID_ARGUMENT', `"${odd}" is no SHA-256 of a file: 64 hexadecimal digits.`, {
      hint: 'sha256sum FILE prints it.',
    });
  }
  let restored = 0;
  if (hashes.length === 0) restored = await store.restore();
  for await (const chunk of chunksOf(hashes.map((hash) => hash.toLowerCase()))) restored += await store.restore(chunk);
  await store.flush();
  return { restored };
}

async function requireImages(store: Store, ids: number[]): Promise<void> {
  for await (const chunk of chunksOf(ids)) {
    const there = new Set((await store.getImages(chunk)).map(({ imageId }) => imageId));
    const absent = chunk.find((id) => !there.has(id));
    if (absent !== undefined) {
      throw new PatchwordError('NOT_FOUND', `There is no image ${absent} in this collection; nothing is removed.`);
    }
  }
}

async function* chunksOf<T>(items: readonly T[]): AsyncGenerator<T[]> {
  for (let at = 0; at < items.length; at += STORE_LIMITS.batchItems) {
    yield await Promise.resolve(items.slice(at, at + STORE_LIMITS.batchItems));
  }
}

async function* matches(store: Store, filter: Filter): AsyncGenerator<number[]> {
  for (let after = 0; ;) {
    const page = await store.scan({ after, limit: STORE_LIMITS.batchItems, filter });
    const last = page.at(-1);
    if (last === undefined) return;
    yield page.map(({ imageId }) => imageId);
    after = last.imageId;
  }
}
