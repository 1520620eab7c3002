import type { Engine } from '../src/engine.js';
import { PatchwordError } from '../src/errors.js';
import type { Source, Store } from '../src/store/store.js';
import { ingest, type IngestResult } from './ingestion.js';
import type { Progress } from './progress.js';
import { type SkippedImage } from './readers/reader.js';
import { openRegistered } from './registration.js';

/** An entry that cannot be used, and where it comes from. */
export interface QuarantineEntry extends SkippedImage {
  /** Path of its source. */
  source: string;
  /** When it was tried last, as ISO 8601 has it. */
  tried: string;
}

export interface RetryOptions {
  engine: Engine;
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
}

export interface RetryResult extends Pick<
  IngestResult,
  'added' | 'updated' | 'unchanged' | 'duplicates' | 'removed' | 'skipped'
> {
  /** Entries that are still in quarantine. */
  quarantined: number;
  /** Sources that could not be opened; their entries stay. */
  unopened: { source: string; reason: string }[];
}

const PAGE = 500;

/** All that is in quarantine, by source and name. */
export async function* listQuarantine(store: Store): AsyncGenerator<QuarantineEntry> {
  const paths = new Map((await store.sources()).map(({ sourceId, path }) => [sourceId, path]));
  for (let after: { sourceId: number; file: string } | null = null; ;) {
    const page = await store.scanQuarantine({ after, limit: PAGE });
    for (const { sourceId, file, reason, tried } of page) {
      yield { source: paths.get(sourceId) ?? '', file, reason, tried: new Date(tried).toISOString() };
    }
    const last = page.at(-1);
    if (last === undefined) return;
    after = { sourceId: last.sourceId, file: last.file };
  }
}

/**
 * Opens the sources of what is in quarantine as they were opened before, and tries those entries and no others.
 *
 * @throws PatchwordError CANCELLED once the signal aborts; what store and model throw
 */
export async function retryQuarantine({ engine, onProgress, signal }: RetryOptions): Promise<RetryResult> {
  const result: RetryResult = { ...NOTHING, skipped: [], unopened: [] };
  for (const source of await quarantinedSources(engine.store)) {
    const reader = await openRegistered(engine.store, source).catch((error: unknown) => {
      if (!(error instanceof PatchwordError)) throw error;
      result.unopened.push({ source: source.path, reason: error.message });
    });
    if (!reader) continue;
    const { options } = source;
    const one = await ingest({ engine, source: reader, options, retry: true, onProgress, signal });
    for (const key of Object.keys(NOTHING) as (keyof typeof NOTHING)[]) result[key] += one[key];
    result.skipped.push(...one.skipped);
  }
  return result;
}

const NOTHING = { added: 0, updated: 0, unchanged: 0, duplicates: 0, removed: 0, quarantined: 0 };

async function quarantinedSources(store: Store): Promise<Source[]> {
  const found = new Set<number>();
  for (let after: { sourceId: number; file: string } | null = null; ;) {
    const [entry] = await store.scanQuarantine({ after, limit: 1 });
    if (entry === undefined) break;
    found.add(entry.sourceId);
    // No name is later than all others, but none is empty.
    after = { sourceId: entry.sourceId + 1, file: '' };
  }
  return (await store.sources()).filter(({ sourceId }) => found.has(sourceId));
}
