import type { Attributes } from '../../src/filter.js';
import { parseJson } from './json.js';
import { cleanAttributes, cleanCaptions, cleanSplit, decodeUtf8 } from './reader.js';
import { asRecord, readCaptions } from './record.js';

/** What is said of a picture beside it. */
export interface Labels {
  captions: string[];
  split: string | null;
  attributes: Attributes;
}

/** A reason may be of a line. */
type ReadLabels = Labels | { reason: string; line?: number | null };

/** Texts beside a picture, by their ending: captions a line, a JSON object, the number of a class. */
const KINDS: Record<string, (text: string) => ReadLabels> = {
  txt: readLines,
  text: readLines,
  caption: readLines,
  json: readObject,
  cls: readClass,
};

export const LABEL_EXTENSIONS = Object.keys(KINDS);

/** The most bytes of one text. */
export const MAX_LABEL_BYTES = 1_000_000;

/** Of an object, each of them a text or a list of texts; the rest are attributes. */
const CAPTION_KEYS = ['caption', 'captions', 'sentences'];

/**
 * What several texts say together of their picture; a caption that stands in two of them is one. A reason names the text that
 * is at fault, unless only all of them together are too many.
 *
 * @param texts `extension` is one of LABEL_EXTENSIONS
 */
export function readLabels(
  texts: readonly { name: string; extension: string; bytes: Uint8Array }[],
): Labels | { reason: string } {
  let labels: Labels = { captions: [], split: null, attributes: {} };
  for (const { name, extension, bytes } of texts) {
    const text = decodeUtf8(bytes);
    if (text === null) return { reason: `${name} is not UTF-8 text` };
    const read = KINDS[extension](text);
    if ('reason' in read) return { reason: `${read.line ? `${name}:${read.line}` : name}: ${read.reason}` };
    const cleaned = cleanCaptions(read.captions);
    if ('reason' in cleaned) return { reason: `${name}: ${cleaned.reason}` };
    const added = cleaned.captions.filter((caption) => !labels.captions.includes(caption));
    const joined = cleanCaptions([...labels.captions, ...added]);
    if ('reason' in joined) return joined;
    labels = {
      captions: joined.captions,
      split: read.split ?? labels.split,
      attributes: cleanAttributes({ ...labels.attributes, ...read.attributes }),
    };
  }
  return labels;
}

function readLines(text: string): Labels {
  return { captions: text.split(/\r\n|\n|\r/), split: null, attributes: {} };
}

function readObject(text: string): ReadLabels {
  const parsed = parseJson(text);
  if ('reason' in parsed) return parsed;
  const record = asRecord(parsed.value);
  if ('reason' in record) return record;
  const { values } = record;
  const split = cleanSplit(values.split);
  if ('reason' in split) return split;
  const captions: string[] = [];
  for (const key of CAPTION_KEYS) {
    const read = readCaptions(key, values[key]);
    if ('reason' in read) return read;
    captions.push(...read.captions);
  }
  return { captions, ...split, attributes: cleanAttributes(values, { except: [...CAPTION_KEYS, 'split'] }) };
}

function readClass(text: string): Labels {
  const value = text.trim();
  const isNumber = /^-?\d{1,15}$/.test(value);
  return { captions: [], split: null, attributes: { cls: isNumber ? Number(value) : value } };
}
