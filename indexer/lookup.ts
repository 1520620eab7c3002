import { createHash } from 'node:crypto';
import type { Attributes } from '../src/filter.js';
import type { QuarantinedFile, Store, StoredFile } from '../src/store/store.js';
import { isSkipped, type SkippedImage, type SourceImage } from './readers/reader.js';

/** An entry of a source, with what the collection has of it. */
export interface LookedUp {
  entry: SourceImage | SkippedImage;
  known: StoredFile | null;
  quarantined: QuarantinedFile | null;
}

/** Entries looked up together. Some bring their picture along, or a thousand captions. */
const CHUNK = { entries: 100, bytes: 16 * 2 ** 20 };

/** The most bytes of a name; no file system has longer paths. */
const MAX_NAME_BYTES = 4096;

/** Looks entries up in the catalog as they come: what it holds is never read as a whole. */
export async function* lookUp(
  entries: AsyncIterable<SourceImage | SkippedImage>,
  { store, sourceId }: { store: Store; sourceId: number },
): AsyncGenerator<LookedUp, void, undefined> {
  const find = async (chunk: (SourceImage | SkippedImage)[]): Promise<LookedUp[]> => {
    const query = { sourceId, files: chunk.map(nameOf) };
    const [known, quarantined] = await Promise.all([store.getFiles(query), store.getQuarantined(query)]);
    return chunk.map((entry, i) => ({ entry, known: known[i], quarantined: quarantined[i] }));
  };
  let chunk: (SourceImage | SkippedImage)[] = [];
  let bytes = 0;
  for await (const entry of entries) {
    chunk.push(asStored(entry));
    bytes += weightOf(entry);
    if (chunk.length < CHUNK.entries && bytes < CHUNK.bytes) continue;
    yield* await find(chunk);
    [chunk, bytes] = [[], 0];
  }
  if (chunk.length > 0) yield* await find(chunk);
}

export function nameOf(entry: SourceImage | SkippedImage): string {
  return isSkipped(entry) ? entry.file : entry.name;
}

function weightOf(entry: SourceImage | SkippedImage): number {
  if (isSkipped(entry)) return entry.reason.length;
  return entry.captions.reduce((sum, caption) => sum + caption.length, entry.bytes?.length ?? 0);
}

/**
 * An entry with texts that the catalog gives back as they are: half a character would come back as another, and look like
 * a change every time.
 */
function asStored(entry: SourceImage | SkippedImage): SourceImage | SkippedImage {
  const name = nameOf(entry).toWellFormed();
  const length = Buffer.byteLength(name);
  if (length > MAX_NAME_BYTES) {
    const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
    const file = `${name.slice(0, 100).toWellFormed()}… (${hash})`;
    return { file, reason: `its name has ${length} bytes; at most ${MAX_NAME_BYTES} are read` };
  }
  if (isSkipped(entry)) {
    const { within, ...others } = entry;
    const reason = entry.reason.toWellFormed();
    return { ...others, file: name, reason, ...(within && { within: within.toWellFormed() }) };
  }
  const { location, split, attributes } = entry;
  return {
    ...entry,
    name,
    location: { ...location, file: location.file.toWellFormed() },
    split: split?.toWellFormed() ?? null,
    attributes: wellFormedAttributes(attributes),
  };
}

function wellFormedAttributes(attributes: Attributes): Attributes {
  const entries = Object.entries(attributes).map(([name, value]) => [
    name.toWellFormed(),
    typeof value === 'string' ? value.toWellFormed() : value,
  ]);
  return Object.fromEntries(entries) as Attributes;
}
