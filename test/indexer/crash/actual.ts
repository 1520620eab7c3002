import assert from 'node:assert/strict';
import type { SqliteStore } from '../../../src/store/sqlite/store.js';
import { STORE_LIMITS } from '../../../src/store/store.js';
import { type FileState, keyOf, type Oracle, UNKNOWN } from './oracle.js';

/** What a collection holds, by its own answers. */
export interface Actual {
  model: string;
  sources: Map<string, number>;
  files: Map<string, FileState>;
  images: Map<string, { imageId: number; captions: Set<string>; searchable: boolean }>;
  quarantined: Set<string>;
  /** How many contents are kept out. */
  removed: number;
}

const limit = STORE_LIMITS.batchItems;

export async function readActual(store: SqliteStore): Promise<Actual> {
  const info = await store.info();
  const { removed, quarantined: quarantinedCount, files: fileCount } = await store.statistics();
  const actual: Actual = {
    model: info.model.hash,
    sources: new Map((await store.sources()).map(({ path, sourceId }) => [path, sourceId])),
    files: new Map(),
    images: new Map(),
    quarantined: new Set(),
    removed,
  };
  for (const sourceId of actual.sources.values()) {
    for await (const { fileId, ...file } of pages((after) => store.scanFiles({ sourceId, after, limit }), 'fileId')) {
      assert.ok(fileId > 0);
      const { contentHash, captions, split, attributes, modified, missing } = file;
      const state = { sourceId, file: file.file, contentHash, captions, split, attributes, modified, missing };
      actual.files.set(keyOf(state), state);
    }
  }
  for await (const image of pages((after) => store.scan({ after, limit }), 'imageId')) {
    const { imageId, contentHash, captions, searchable } = image;
    assert.ok(!actual.images.has(contentHash), `two images of ${contentHash}`);
    actual.images.set(contentHash, { imageId, captions: new Set(captions), searchable });
  }
  const quarantined = await store.scanQuarantine({ after: null, limit });
  for (const entry of quarantined) actual.quarantined.add(keyOf(entry));
  assert.equal(actual.images.size, info.images);
  assert.equal(actual.files.size, fileCount);
  assert.equal(actual.quarantined.size, quarantinedCount);
  return actual;
}

async function* pages<T extends { [K in Id]: number }, Id extends string>(
  read: (after: number) => Promise<T[]>,
  id: Id,
): AsyncGenerator<T> {
  for (let after = 0; ;) {
    const page = await read(after);
    const last = page.at(-1);
    if (last === undefined) return;
    yield* page;
    after = last[id];
  }
}

/** Where a collection is not what it must be, a line each; none where it is. Ids that were not acknowledged may be any new ones. */
export function differences(actual: Actual, oracle: Oracle): string[] {
  const lines: string[] = [];
  const compare = (what: string, found: unknown, expected: unknown) => {
    const [one, other] = [JSON.stringify(found), JSON.stringify(expected)];
    if (one !== other) lines.push(`${what}: ${one}, expected ${other}`);
  };
  compare('model', actual.model, oracle.model);
  compare('sources', [...actual.sources.keys()].sort(), [...oracle.sources.keys()].sort());
  for (const key of keysOf(actual.files, oracle.files)) {
    compare(`file ${key}`, sorted(actual.files.get(key)), sorted(oracle.files.get(key)));
  }
  for (const hash of keysOf(actual.images, oracle.images)) {
    const [image, id] = [actual.images.get(hash), oracle.images.get(hash)];
    const isNew = image !== undefined && id === UNKNOWN && image.imageId > oracle.lastId;
    compare(`id of ${hash}`, image?.imageId, isNew ? image.imageId : id);
    compare(`captions of ${hash}`, [...(image?.captions ?? [])].sort(), [...oracle.captionsOf(hash)].sort());
    compare(`${hash} is searchable`, image?.searchable, !oracle.unsearchable.has(hash));
  }
  compare('quarantine', [...actual.quarantined].sort(), [...oracle.quarantined].sort());
  compare('contents removed', actual.removed, oracle.removed.size);
  return lines;
}

function keysOf(one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): string[] {
  return [...new Set([...one.keys(), ...other.keys()])];
}

function sorted(state: FileState | undefined): unknown {
  return state && { ...state, attributes: Object.entries(state.attributes).sort() };
}

/** Takes over the ids of images whose writing was not acknowledged. */
export function adopt(oracle: Oracle, { images, sources }: Actual): void {
  for (const [hash, { imageId }] of images) {
    oracle.images.set(hash, imageId);
    oracle.lastId = Math.max(oracle.lastId, imageId);
  }
  for (const [path, sourceId] of sources) oracle.sources.set(path, sourceId);
}
