import assert from 'node:assert/strict';
import path from 'node:path';
import { openStore, type SqliteStore } from '../../../src/store/sqlite/store.js';
import { type Actual, adopt, differences, readActual } from './actual.js';
import type { Call } from './journal.js';
import { requireLinks } from './links.js';
import type { ModelName } from './models.js';
import type { Oracle } from './oracle.js';
import type { Reference } from './reference.js';
import { requireMended, requireSound } from '../../src/store/soundness.js';

export interface Examined {
  /** What the collection holds: what was acknowledged, and what was written besides. */
  oracle: Oracle;
  /** How many of the calls that were not acknowledged are in it. */
  written: number;
  /** What it had to say when it was opened. */
  notes: string[];
  /** What a killed process left, that the next one clears away. */
  left: string[];
}

export interface ExaminationOptions {
  data: string;
  name: string;
  exactBelow: number;
  oracle: Oracle;
  pending: readonly Call[];
  reference: Reference;
  modelOf: (hash: string) => ModelName;
  /** Puts the collection in order too, and looks again: then nothing at all may be wrong. */
  mend: boolean;
}

/** Only as far as batches of another size change a result. */
const SAME = 1e-4;

/**
 * Opens a collection that a process was killed on: it must be sound, hold what was acknowledged and find it.
 */
export async function examine(options: ExaminationOptions): Promise<Examined> {
  const { data, name, exactBelow, mend } = options;
  const notes: string[] = [];
  const store = await openStore({ data, name, exactBelow, onNote: (note) => notes.push(note) });
  try {
    const left = await requireSound(store);
    const actual = await readActual(store);
    const { oracle, written } = agree(actual, options);
    await requireRemoved(store, oracle);
    await search(store, { ...options, actual });
    if (mend) {
      await requireMended(store);
      requireLinks(path.join((await store.info()).folder, 'catalog.sqlite'));
      assert.deepEqual(differences(await readActual(store), oracle), []);
      await search(store, { ...options, actual });
    }
    return { oracle, written, notes, left };
  } finally {
    await store.close();
  }
}

/** What was acknowledged is there, and of what was not a beginning, each call whole or not at all. */
function agree(
  actual: Actual,
  { oracle: acknowledged, pending }: ExaminationOptions,
): { oracle: Oracle; written: number } {
  const oracle = acknowledged.clone();
  const found: string[][] = [differences(actual, oracle)];
  for (const call of pending) {
    if (found.at(-1)!.length === 0) break;
    oracle.apply(call);
    found.push(differences(actual, oracle));
  }
  const written = found.findIndex((lines) => lines.length === 0);
  if (written < 0) {
    const tried = pending.map(({ method }) => method).join(', ') || 'none';
    assert.fail(
      `What was acknowledged is not what is there; unacknowledged calls: ${tried}.\n` +
        found.map((lines, at) => `with ${at} of them: ${lines.slice(0, 8).join('\n  ')}`).join('\n'),
    );
  }
  adopt(oracle, actual);
  return { oracle, written };
}

async function requireRemoved(store: SqliteStore, { removed }: Oracle): Promise<void> {
  const hashes = [...removed];
  assert.deepEqual(
    await store.findContents(hashes),
    hashes.map(() => 'removed'),
  );
}

/** Every image is found by its own picture, every caption by its own words, and nothing else is found. */
async function search(
  store: SqliteStore,
  { actual, reference, modelOf }: ExaminationOptions & { actual: Actual },
): Promise<void> {
  const model = modelOf(actual.model);
  const images = [...actual.images].filter(([, { searchable }]) => searchable);
  const embeddings = await reference.ofImages(
    model,
    images.map(([hash]) => hash),
  );
  for (const [hash, { imageId }] of images) {
    const { neighbors } = await store.nearest({ target: 'images', embedding: embeddings.get(hash)!, k: 3 });
    const [first] = neighbors;
    assert.equal(first?.id, imageId, `the nearest of ${hash}`);
    assert.ok(Math.abs(first.similarity - 1) < SAME, `the similarity of ${hash} to itself: ${first.similarity}`);
  }
  const texts = [...new Set([...actual.images.values()].flatMap(({ captions }) => [...captions]))];
  const captions = await reference.ofCaptions(model, texts);
  for (const text of texts) {
    const { neighbors } = await store.nearest({ target: 'captions', embedding: captions.get(text)!, k: 1 });
    assert.ok(Math.abs((neighbors[0]?.similarity ?? 0) - 1) < SAME, `the similarity of "${text}" to itself`);
    const [found] = await store.getCaptions([neighbors[0].id]);
    assert.equal(found?.text, text);
  }
  for (const target of ['images', 'captions'] as const) {
    if (actual.images.size === 0 || texts.length === 0) continue;
    const [embedding] = (target === 'images' ? embeddings : captions).values();
    const { neighbors } = await store.nearest({ target, embedding, k: 1000 });
    const expected =
      target === 'images'
        ? images.length
        : [...actual.images.values()].reduce((sum, { captions }) => sum + captions.size, 0);
    assert.equal(neighbors.length, expected, `${target} found`);
  }
}
