import { type ErrorCode, PatchwordError } from '../src/errors.js';
import { Changes, type ChangesTiming } from './changes.js';
import { ingest, type IngestOptions, type IngestResult } from './ingestion.js';
import { resolveExcept } from './readers/exception.js';
import type { Reader } from './readers/reader.js';
import { openSource } from './readers/source.js';

export interface WatchOptions extends Omit<IngestOptions, 'source' | 'retry'> {
  /** The source, opened for the first pass. */
  reader: Reader;
  /** Called after each pass. */
  onPass: (result: IngestResult) => void;
  /** Called where a pass fails and a later one may not. */
  onFailure: (error: PatchwordError) => void;
  onNote?: (line: string) => void;
  /** Folders that are ours to write in: as the source was opened. */
  except: string[];
  /** Ends it, after the batches under way. */
  signal: AbortSignal;
  timing?: Partial<ChangesTiming>;
}

/** What may be otherwise in a while: a list that is just being saved, a disk that is not connected, another writer. */
const PASSING: readonly ErrorCode[] = ['FILE_NOT_FOUND', 'SOURCE_INVALID', 'COLLECTION_BUSY', 'INVALID_ARGUMENT'];

/**
 * Keeps a collection up to date with a source until the signal aborts: a pass at once, and one whenever something changed.
 * A file that is being written when a pass comes to it is tried again by the next one, since its size or time is another.
 *
 * @throws PatchwordError what the first pass throws, and what does not pass
 */
export async function watchSource(options: WatchOptions): Promise<void> {
  const { reader, onPass, onFailure, onNote, signal, timing } = options;
  const except = await resolveExcept(options.except);
  const { root, path } = reader;
  // Before the first pass, so that nothing is missed between the two.
  const changes = await Changes.open({ root, file: path, except, signal, onNote, timing });
  const asked = { ...options.options, format: options.options?.format ?? reader.format };
  const pass = async (source: Reader) => onPass(await ingest({ ...options, source }));
  try {
    // Opened anew: what the reader knew of may have changed before anybody watched.
    await pass(await openSource({ ...asked, source: path, except }));
    let told = '';
    while (await changes.next()) {
      try {
        await pass(await openSource({ ...asked, source: path, except }));
        told = '';
      } catch (error) {
        if (!(error instanceof PatchwordError && PASSING.includes(error.code))) throw error;
        changes.remind();
        if (error.message !== told) onFailure(error);
        told = error.message;
      }
    }
  } catch (error) {
    if (!(signal.aborted && error instanceof PatchwordError && error.code === 'CANCELLED')) throw error;
  } finally {
    changes.close();
  }
}
