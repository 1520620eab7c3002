import assert from 'node:assert/strict';
import type { IngestResult } from '../../../indexer/ingestion.js';
import { openStore, type SqliteStore } from '../../../src/store/sqlite/store.js';
import { readActual } from './actual.js';
import type { Line } from './journal.js';
import type { Oracle } from './oracle.js';
import type { World } from './world.js';

/**
 * What two collections of the same sources have in common, whatever happened to them, a line each: no ids, no times, no model,
 * and no near duplicates, since hashes differ by a bit or two with the size that a model reads.
 */
export async function readContent(store: SqliteStore): Promise<Set<string>> {
  const { sources, files, images, quarantined } = await readActual(store);
  const pathOf = new Map([...sources].map(([path, sourceId]) => [sourceId, path]));
  const lines = [
    ...[...files.values()].map(({ sourceId, modified: _, attributes, ...file }) => [
      ...['file', pathOf.get(sourceId)],
      ...[Object.entries(attributes).sort(), file],
    ]),
    ...[...images].map(([hash, { captions, searchable }]) => ['image', hash, [...captions].sort(), searchable]),
    ...[...quarantined].map((key) => ['quarantined', key.replace(/^\d+/, (id) => pathOf.get(Number(id))!)]),
  ];
  return new Set(lines.map((line) => JSON.stringify(line)));
}

export function requireSame(one: ReadonlySet<string>, other: ReadonlySet<string>): void {
  const lacking = [...other].filter((line) => !one.has(line));
  const besides = [...one].filter((line) => !other.has(line));
  assert.deepEqual({ lacking, besides }, { lacking: [], besides: [] });
}

/** Takes out of a collection what was removed from another. */
export async function removeContents(
  options: { data: string; name: string },
  hashes: readonly string[],
): Promise<Set<string>> {
  const store = await openStore(options);
  try {
    const found = await store.findContents([...hashes]);
    await store.remove(found.filter((id): id is number => typeof id === 'number'));
    await store.flush();
    return await readContent(store);
  } finally {
    await store.close();
  }
}

/** What the last, undisturbed ingestion did: each entry once, and nothing that was finished before. */
export function requireContinued(before: Oracle, world: World, lines: readonly Line[]): void {
  const done = lines.find((line) => 'done' in line && line.done === 'ingest');
  assert.ok(done && 'done' in done);
  const results = done.result as IngestResult[];
  const sum = (of: (result: IngestResult) => number) => results.reduce((total, result) => total + of(result), 0);
  const entries = world.sources.reduce((total, { files }) => total + files.size, 0);
  const handled = sum(
    ({ added, updated, unchanged, duplicates, removed, quarantined }) =>
      added + updated + unchanged + duplicates + removed + quarantined,
  );
  assert.equal(handled, entries);
  let finished = 0;
  const contents = new Set<string>();
  for (const { path, files } of world.sources) {
    for (const [file, { content, captions, attributes }] of files) {
      const isEmbedded = before.images.has(content) && !before.unsearchable.has(content);
      const known = before.files.get(`${before.sources.get(path)} ${file}`);
      const labels = JSON.stringify([captions, attributes]);
      if (!isEmbedded) contents.add(content);
      else if (known?.contentHash === content && !known.missing)
        finished += labels === JSON.stringify([known.captions, known.attributes]) ? 1 : 0;
    }
  }
  const unchanged = sum((result) => result.unchanged);
  assert.ok(unchanged >= finished, `${unchanged} unchanged, and ${finished} were finished before`);
  const embedded = lines.reduce((total, line) => total + ('embedded' in line ? line.embedded : 0), 0);
  assert.ok(embedded <= contents.size, `${embedded} embedded, and only ${contents.size} contents were new`);
}
