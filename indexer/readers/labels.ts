import { messageOf } from '../../src/errors.js';
import type { Attributes } from '../../src/filter.js';
import { cleanAttributes, cleanCaptions, cleanSplit, decodeUtf8 } from './reader.js';
import { asRecord, omit, readCaptions } from './record.js';

/** What is said of a picture beside it. */
export interface Labels {
  captions: string[];
  split: string | null;
  attributes: Attributes;
}

/** Kinds of text beside a picture: lines of captions, a JSON object, the number of a class. */
const KINDS = { txt: readLines, text: readLines, caption: readLines, json: readObject, cls: readClass };

export const LABEL_EXTENSIONS = Object.keys(KINDS);

/** Of an object, each a text or a list of texts; the rest are attributes. */
const CAPTION_KEYS = ['caption', 'captions', 'sentences'];

/**
 * What several texts say together of their picture; a caption that stands in two of them is one. A reason names the text that
 * is at fault.
 *
 * @param parts `extension` is one of LABEL_EXTENSIONS
 */
export function readLabels(
  parts: readonly { name: string; extension: string; bytes: Uint8Array }[],
): Labels | { reason: string } {
  const labels: Labels = { captions: [], split: null, attributes: {} };
  for (const { name, extension, bytes } of parts) {
    const text = decodeUtf8(bytes);
    if (text === null) return { reason: `${name} is not UTF-8 text` };
    const read = KINDS[extension as keyof typeof KINDS](text);
    if ('reason' in read) return { reason: `${name}: ${read.reason}` };
    const cleaned = cleanCaptions([...labels.captions, ...read.captions]);
    if ('reason' in cleaned) return { reason: `${name}: ${cleaned.reason}` };
    labels.captions = [...new Set(cleaned.captions)];
    labels.split ??= read.split;
    labels.attributes = cleanAttributes({ ...labels.attributes, ...read.attributes });
  }
  return labels;
}

function readLines(text: string): Labels {
  return { captions: text.split(/\r\n|\n|\r/), split: null, attributes: {} };
}

function readObject(text: string): Labels | { reason: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { reason: `it is not JSON: ${messageOf(error)}` };
  }
  const record = asRecord(value);
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
  return { captions, ...split, attributes: omit(values, [...CAPTION_KEYS, 'split']) as Attributes };
}

function readClass(text: string): Labels {
  const value = text.trim();
  const isNumber = /^-?\d{1,15}$/.test(value);
  return { captions: [], split: null, attributes: { cls: isNumber ? Number(value) : value } };
}
