import path from 'node:path';
import { z } from 'zod';
import type { Attributes } from '../../src/filter.js';
import { readHead } from './head.js';
import { type JsonEntry, readJsonList } from './json.js';
import { openListing } from './listing.js';
import { cleanAttributes, cleanSplit, type Reader, refuseOptions, type SourceOptions } from './reader.js';
import { asRecord, explainIssue } from './record.js';
import type { Listed, Row } from './row.js';

const LAYOUT = '{"images": [{"filename": "…", "sentences": [{"raw": "…"}], "split": "…"}, …]}';

const Entry = z.object({
  filename: z.string().min(1),
  filepath: z.string().nullish(),
  sentences: z.array(z.object({ raw: z.string() })),
});

/** What is read of an entry; the rest are attributes. */
const KEYS = ['filename', 'filepath', 'sentences', 'split'];

/**
 * Karpathy's splits of Flickr8k, Flickr30k and COCO (cs.stanford.edu/people/karpathy/deepimagesent): one JSON object
 * with `images`, each with `filename`, perhaps `filepath`, `sentences[].raw` and `split`; `restval` is train. What else it
 * says of an image (`imgid`, `cocoid`) are its attributes.
 *
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID
 */
export async function readKarpathy({
  path: given,
  images,
  columns,
}: SourceOptions & { path: string }): Promise<Reader> {
  refuseOptions('karpathy', { columns });
  const file = path.resolve(given);
  return openListing({
    format: 'karpathy',
    path: file,
    images,
    folders: ['.', 'images'],
    repeats: 'skipped',
    rows: () => readRows(file),
  });
}

export async function looksLikeKarpathy(file: string): Promise<boolean> {
  const head = await readHead(file);
  return /^\s*\{/.test(head) && /"images"\s*:\s*\[/.test(head) && /"sentences"\s*:/.test(head);
}

async function* readRows(file: string): AsyncGenerator<Listed> {
  const base = path.basename(file);
  for await (const entry of readJsonList({ file, key: 'images', layout: LAYOUT })) {
    yield { at: `${base}:${entry.line}: images[${entry.index}]`, ...readEntry(entry) };
  }
}

function readEntry(entry: JsonEntry): Row | { name?: string; reason: string } {
  const record = 'value' in entry ? asRecord(entry.value) : entry;
  if ('reason' in record) return { reason: record.reason };
  const parsed = Entry.safeParse(record.values);
  if (!parsed.success) return { reason: explainIssue(parsed.error) };
  const { filename, filepath, sentences } = parsed.data;
  const name = filepath ? `${filepath}/${filename}` : filename;
  const split = cleanSplit(record.values.split);
  if ('reason' in split) return { name, ...split };
  const captions = sentences.map(({ raw }) => raw);
  return { name, captions, ...split, attributes: () => attributesOf(record.values) };
}

/** Of keys of their own; and of an object `attributes`, where `collection export` puts those that are called as KEYS are. */
function attributesOf(values: Record<string, unknown>): Attributes {
  const below = asRecord(values.attributes);
  return {
    ...('values' in below ? cleanAttributes(below.values) : {}),
    ...cleanAttributes(values, { except: KEYS }),
  };
}
