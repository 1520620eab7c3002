import path from 'node:path';
import type { Engine } from '../src/engine.js';
import { PatchwordError } from '../src/errors.js';
import { settleMissing } from './missing.js';
import { Pass, type PassCounts } from './pass.js';
import type { Progress } from './progress.js';
import type { Reader, SkippedImage, SourceOptions } from './readers/reader.js';
import type { Source } from '../src/store/store.js';
import { openSource } from './readers/source.js';
import { ownFolders, registerSource } from './registration.js';

export interface IngestOptions {
  engine: Engine;
  /** A folder of pictures with captions, a file that lists them, or either already opened. */
  source: string | Reader;
  /** What the user said of the source; kept, to open it again. */
  options?: SourceOptions;
  /** Removes what the source no longer has; default: it is marked as missing. */
  prune?: boolean;
  /** Removes it also where that looks like a disk that is not connected. */
  force?: boolean;
  /** Tries what is in quarantine, and nothing else. */
  retry?: boolean;
  onProgress?: (progress: Progress) => void;
  /** Aborting stops after the batches under way, which are kept. */
  signal?: AbortSignal;
}

export interface IngestResult extends PassCounts {
  /** Files that the source no longer has and the collection still has. */
  missing: number;
  /** Images that `prune` removed. */
  pruned: number;
  /** The first of the entries in quarantine. */
  skipped: SkippedImage[];
  seconds: number;
}

/**
 * Brings a collection up to date with a source. What the collection holds unchanged is not read, so the same call again
 * continues where an earlier one stopped, however it did.
 *
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID; INVALID_ARGUMENT where `prune` would remove too much;
 * CANCELLED once the signal aborts; what store and model throw
 */
export async function ingest(options: IngestOptions): Promise<IngestResult> {
  const started = performance.now();
  const { store } = options.engine;
  const said = resolved(options.options ?? {});
  const open = async (source: string) => openSource({ source, ...said, except: await ownFolders(store) });
  const reader = typeof options.source === 'string' ? await open(options.source) : options.source;
  try {
    const source = await registerSource(store, { reader, options: { ...said } });
    const result = await passOver(options, { reader, source });
    await store.flush();
    return { ...result, seconds: (performance.now() - started) / 1000 };
  } catch (error) {
    // Others may write from now on. What cannot be saved now is made anew when the collection is opened next.
    await store.flush().catch(() => undefined);
    throw error;
  }
}

async function passOver(
  { engine, prune = false, force = false, retry = false, onProgress, signal }: IngestOptions,
  { reader, source }: { reader: Reader; source: Source },
): Promise<Omit<IngestResult, 'seconds'>> {
  const { store, inference } = engine;
  // How many of its entries are in quarantine is known once they were tried.
  const total = retry ? null : reader.total;
  // What is watched may grow while it is read.
  const tell = (done: number) => onProgress?.({ done, total: total === null ? null : Math.max(total, done) });

  const pass = new Pass({ store, inference, reader, sourceId: source.sourceId, retry, onProgress: tell, signal });
  tell(0);
  await pass.run();
  if (signal?.aborted) {
    const done = total === null ? pass.done : `${pass.done} of ${total}`;
    throw new PatchwordError('CANCELLED', `Stopped after ${done} pictures; they are kept.`, {
      hint: 'Run the same command again to continue.',
    });
  }
  const { seen, unusable, replaced, nameless, counts, skipped } = pass;
  const settled = await settleMissing({ store, source, seen, unusable, replaced, nameless, prune, force, retry });
  return { ...counts, ...settled, skipped };
}

/** A folder that was named relative to the current one is found from another, too. */
function resolved({ images, ...others }: SourceOptions): SourceOptions {
  return images === undefined ? others : { ...others, images: path.resolve(images) };
}
