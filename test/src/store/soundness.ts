import assert from 'node:assert/strict';
import type { SqliteStore } from '../../../src/store/sqlite/store.js';

/** What a graph's file may be where a process died between writing it and saying so: any other one, never a wrong one that passes for right. */
const UNUSABLE = /^(images|captions)\.hnsw (is missing|is not described by the manifest|has \d+ bytes|does not match)/;

/**
 * Verifies a collection that a process was killed on. Nothing may be wrong but what is derived and made anew when the collection is
 * used; returns that, a line each.
 */
export async function requireSound(store: SqliteStore): Promise<string[]> {
  const { checks, passed } = await store.verify();
  const left: string[] = [];
  for (const { name, what, failed, examples, skipped } of checks) {
    assert.equal(skipped, null, name);
    if (failed === 0) continue;
    const mayBe = name === 'leftovers' || (name === 'vector files' && examples.every((line) => UNUSABLE.test(line)));
    assert.ok(mayBe, `${what}: ${examples.join('; ')}`);
    left.push(...examples);
  }
  assert.ok(passed);
  return left;
}

/** Puts a collection in order; then nothing at all may be wrong. */
export async function requireMended(store: SqliteStore): Promise<void> {
  await store.flush();
  await store.compact();
  assert.deepEqual(await requireSound(store), [], 'nothing is left once it is in order');
}
