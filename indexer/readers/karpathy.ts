import { open, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { explainSystemError, messageOf, PatchwordError } from '../../src/errors.js';
import { cleanCaptions, decodeUtf8, locate, type Reader, type SkippedImage, type SourceImage } from './reader.js';

/** The COCO splits are 144 MB. A JavaScript string ends at 512 MB. */
const MAX_JSON_BYTES = 500_000_000;

/** How many entries are looked for in each folder that may hold the pictures. */
const ENTRIES_TRIED = 100;

const Entry = z.object({
  filename: z.string().min(1),
  filepath: z.string().optional(),
  split: z.string().nullish(),
  sentences: z.array(z.object({ raw: z.string() })),
});

/**
 * Karpathy's splits of Flickr8k, Flickr30k and COCO (cs.stanford.edu/people/karpathy/deepimagesent): one JSON object
 * with `images`, each with `filename`, perhaps `filepath`, `sentences[].raw` and `split`; `restval` is train.
 * The pictures lie in `images`, or else beside the JSON or in `images/` beside it.
 *
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID
 */
export async function readKarpathy({ file, images }: { file: string; images?: string }): Promise<Reader> {
  const entries = skipDuplicates(parseEntries(await readJson(file), file));
  const root = await findRoot({ file, images, entries });
  return {
    format: 'karpathy',
    path: path.resolve(file),
    root,
    total: entries.length,
    // eslint-disable-next-line @typescript-eslint/require-await -- a reader is asynchronous; this one has all it needs
    async *entries() {
      for (const entry of entries) yield 'reason' in entry ? entry : place(root, entry);
    },
  };
}

/** One entry of the JSON: its file as written. */
interface Listed {
  name: string;
  captions: string[];
  split: string | null;
}

async function readJson(file: string): Promise<unknown> {
  let bytes: Buffer;
  try {
    const handle = await open(file);
    try {
      const { size } = await handle.stat();
      if (size > MAX_JSON_BYTES) {
        throw new PatchwordError('SOURCE_INVALID', `${file} has ${size} bytes; at most ${MAX_JSON_BYTES} are read.`);
      }
      bytes = await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw explainSystemError(error, file);
  }
  const text = decodeUtf8(bytes);
  if (text === null) throw invalid(file, 'it is not UTF-8 text');
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw invalid(file, `it is not JSON: ${messageOf(error)}`, error);
  }
}

function parseEntries(json: unknown, file: string): (Listed | SkippedImage)[] {
  const images = (json as { images?: unknown } | null)?.images;
  if (!Array.isArray(images)) throw invalid(file, 'it has no list named "images"');
  if (images.length === 0) throw invalid(file, 'its list "images" is empty');
  const entries = images.map((image, index) => parseEntry(image, index));
  const first = entries[0];
  if (entries.every((entry) => 'reason' in entry) && first !== undefined && 'reason' in first) {
    throw invalid(file, `none of its ${images.length} entries can be used; the first, ${first.file}: ${first.reason}`);
  }
  return entries;
}

function parseEntry(image: unknown, index: number): Listed | SkippedImage {
  const parsed = Entry.safeParse(image);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return { file: `images[${index}]`, reason: `${issue?.path.join('.') || 'entry'}: ${issue?.message}` };
  }
  const { filename, filepath, split, sentences } = parsed.data;
  const name = filepath ? `${filepath}/${filename}` : filename;
  const cleaned = cleanCaptions(sentences.map((sentence) => sentence.raw));
  if ('reason' in cleaned) return { file: name, reason: cleaned.reason };
  return { name, captions: cleaned.captions, split: split === 'restval' ? 'train' : (split ?? null) };
}

/** The first entry of a name counts; later ones are skipped, and said. */
function skipDuplicates(entries: (Listed | SkippedImage)[]): (Listed | SkippedImage)[] {
  const seen = new Set<string>();
  return entries.map((entry, index) => {
    if ('reason' in entry) return entry;
    const name = path.posix.normalize(entry.name);
    if (seen.has(name)) return { file: entry.name, reason: `images[${index}] lists it a second time` };
    seen.add(name);
    return entry;
  });
}

/** The first folder that holds any of the first pictures. */
async function findRoot(options: {
  file: string;
  images?: string | undefined;
  entries: (Listed | SkippedImage)[];
}): Promise<string> {
  const beside = path.dirname(path.resolve(options.file));
  const folders = options.images === undefined ? [beside, path.join(beside, 'images')] : [path.resolve(options.images)];
  const tried = options.entries.filter((entry): entry is Listed => !('reason' in entry)).slice(0, ENTRIES_TRIED);
  for (const folder of folders) {
    for (const entry of tried) {
      const located = locate(folder, entry.name);
      if (located !== null && (await exists(path.join(folder, located.location.file)))) return realpath(folder);
    }
  }
  throw new PatchwordError('SOURCE_INVALID', `None of the pictures of ${options.file} is in ${folders.join(' or ')}.`, {
    hint: `Say where they are with --images DIR; the first should be at DIR/${tried[0]?.name}.`,
  });
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    (status) => status.isFile(),
    () => false,
  );
}

function place(root: string, { name, captions, split }: Listed): SourceImage | SkippedImage {
  const located = locate(root, name);
  if (located === null) return { file: name, reason: 'its path leaves the folder of the pictures' };
  return { ...located, captions, split, attributes: {} };
}

function invalid(file: string, what: string, cause?: unknown): PatchwordError {
  return new PatchwordError('SOURCE_INVALID', `${file} is not a Karpathy JSON file: ${what}.`, {
    hint: 'Expected {"images": [{"filename": "…", "sentences": [{"raw": "…"}], "split": "…"}, …]}.',
    cause,
  });
}
