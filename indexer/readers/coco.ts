import path from 'node:path';
import { z } from 'zod';
import { PatchwordError } from '../../src/errors.js';
import { readHead } from './head.js';
import { type JsonEntry, readJsonList } from './json.js';
import { MAX_IMAGES, openListing } from './listing.js';
import { cleanAttributes, cleanCaptions, type Reader, refuseOptions, type SourceOptions } from './reader.js';
import { asRecord, explainIssue } from './record.js';
import type { Listed, Row } from './row.js';

const LAYOUT = '{"images": [{"id": 1, "file_name": "…"}, …], "annotations": [{"image_id": 1, "caption": "…"}, …]}';

const Id = z.union([z.number(), z.string()], { error: 'expected a number or a string' });
const ImageEntry = z.object({ id: Id, file_name: z.string().min(1) });
const Annotation = z.object({ image_id: Id, caption: z.string() });

/** What is said of the picture itself is known from the picture. */
const KEYS = ['id', 'file_name', 'width', 'height'];

/** A word of its own in a name: `captions_latest.json` is of no split, nor is `captions_trainval2014.json`. */
const SPLIT = /(?<![a-z])((train|val|test)(?:idation)?\d*)(?![a-z])/i;

/** The most annotations that are reported one by one. */
const MAX_REPORTED = 100;

/** The most characters of all captions, which are held in memory: images and captions are lists of their own. */
const MAX_CHARACTERS = 2 ** 28;

interface Annotations {
  /** By the id of their image, which may be a number in one list and a text in the other. */
  captions: Map<string, string[]>;
  unusable: number;
}

/**
 * COCO's captions: `images` and `annotations`, joined by the id of the image. The split is in the name of the file
 * (`captions_train2017.json`), and so is the folder of the pictures (`train2017`). `id` becomes the attribute `cocoid`.
 *
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID
 */
export async function readCoco({ path: given, images, columns }: SourceOptions & { path: string }): Promise<Reader> {
  refuseOptions('coco', { columns });
  const file = path.resolve(given);
  const [, part, split] = SPLIT.exec(path.basename(file)) ?? [null, null, null];
  const annotations = await collectCaptions(file);
  const named = part === null ? [] : [`../${part}`, `../images/${part}`, part, `images/${part}`];
  return openListing({
    format: 'coco',
    path: file,
    images,
    folders: ['.', 'images', ...named],
    repeats: 'skipped',
    rows: () => readRows({ file, annotations, split: split?.toLowerCase() ?? null }),
  });
}

export async function looksLikeCoco(file: string): Promise<boolean> {
  const head = await readHead(file);
  if (!/^\s*\{/.test(head)) return false;
  return /"annotations"\s*:\s*\[/.test(head) || (/"images"\s*:\s*\[/.test(head) && /"file_name"\s*:/.test(head));
}

async function collectCaptions(file: string): Promise<Annotations> {
  const captions = new Map<string, string[]>();
  let unusable = 0;
  let characters = 0;
  let reason: string | null = null;
  for await (const entry of readJsonList({ file, key: 'annotations', layout: LAYOUT })) {
    const annotation = readAnnotation(entry);
    if ('reason' in annotation) {
      unusable += 1;
      reason ??= `${file}:${entry.line}: annotations[${entry.index}]: ${annotation.reason}`;
      continue;
    }
    const { id, caption } = annotation;
    const known = captions.get(id);
    if (known) known.push(caption);
    else captions.set(id, [caption]);
    characters += caption.length;
    if (captions.size > MAX_IMAGES || characters > MAX_CHARACTERS) {
      throw refused(`${file} has too many captions (${characters} characters of ${captions.size} images); split it.`);
    }
  }
  if (captions.size === 0 && reason !== null)
    throw refused(`None of the annotations can be used; the first: ${reason}.`);
  return { captions, unusable };
}

async function* readRows(options: {
  file: string;
  annotations: Annotations;
  split: string | null;
}): AsyncGenerator<Listed> {
  const { file, annotations, split } = options;
  const { captions, unusable } = annotations;
  const base = path.basename(file);
  const ids = new Set<string>();
  for await (const entry of readJsonList({ file, key: 'images', layout: LAYOUT })) {
    const at = `${base}:${entry.line}: images[${entry.index}]`;
    const image = readImage(entry);
    if ('reason' in image) {
      yield { at, reason: image.reason };
    } else if (ids.has(image.id)) {
      yield { at, name: image.name, reason: `id ${image.id} is there a second time` };
    } else {
      ids.add(image.id);
      if (ids.size > MAX_IMAGES) throw refused(`${file} lists too many images (${ids.size}); split it.`);
      yield { at, name: image.name, captions: captions.get(image.id) ?? [], split, attributes: image.attributes };
    }
  }
  const isWhole = unusable === 0 && [...captions.keys()].every((id) => ids.has(id));
  if (!isWhole) yield* reportAnnotations(file, ids);
}

/** The annotations that were left out. */
async function* reportAnnotations(file: string, ids: ReadonlySet<string>): AsyncGenerator<Listed> {
  const base = path.basename(file);
  let left = 0;
  for await (const entry of readJsonList({ file, key: 'annotations', layout: LAYOUT })) {
    const annotation = readAnnotation(entry);
    if ('id' in annotation && ids.has(annotation.id)) continue;
    const reason = 'id' in annotation ? `no image has the id ${annotation.id}` : annotation.reason;
    left += 1;
    const at = `${base}:${entry.line}: annotations[${entry.index}]`;
    if (left <= MAX_REPORTED) yield { at, reason, ofNone: true };
  }
  const reason = `${left - MAX_REPORTED} more cannot be used`;
  if (left > MAX_REPORTED) yield { at: `${base}: annotations`, reason, ofNone: true };
}

function readImage(entry: JsonEntry): (Pick<Row, 'name' | 'attributes'> & { id: string }) | { reason: string } {
  const record = 'value' in entry ? asRecord(entry.value) : entry;
  if ('reason' in record) return { reason: record.reason };
  const parsed = ImageEntry.safeParse(record.values);
  if (!parsed.success) return { reason: explainIssue(parsed.error) };
  const { id, file_name: name } = parsed.data;
  return {
    id: String(id),
    name,
    attributes: () => cleanAttributes({ cocoid: id, ...record.values }, { except: KEYS }),
  };
}

function readAnnotation(entry: JsonEntry): { id: string; caption: string } | { reason: string } {
  if ('reason' in entry) return { reason: entry.reason };
  const parsed = Annotation.safeParse(entry.value);
  if (!parsed.success) return { reason: explainIssue(parsed.error) };
  const { image_id: id, caption } = parsed.data;
  const cleaned = cleanCaptions([caption]);
  return 'reason' in cleaned ? cleaned : { id: String(id), caption };
}

function refused(message: string): PatchwordError {
  return new PatchwordError('SOURCE_INVALID', message, { hint: `Expected ${LAYOUT}.` });
}
