import { lstat, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { explainSystemError, messageOf } from '../../src/errors.js';
import type { Attributes } from '../../src/filter.js';
import { parseJson } from './json.js';
import { cleanAttributes, cleanCaptions, cleanSplit, decodeUtf8 } from './reader.js';
import { asRecord, omit, readCaptions } from './record.js';

/** What the files beside a picture say of it. */
export interface Labels {
  captions: string[];
  split: string | null;
  attributes: Attributes;
}

/** Endings of the files beside a picture, in the order in which they are read. */
export const SIDECAR_EXTENSIONS = ['.txt', '.json'] as const;

const MAX_BYTES = 1_000_000;

/** Of an object, each of them a text or a list of texts; the rest are attributes. */
const CAPTION_KEYS = ['caption', 'captions', 'sentences'];

/**
 * What sidecars say of their picture: the lines of a text, the captions, the split and the attributes of a JSON object. A
 * reason names the file that is at fault.
 *
 * @param options.names below the root, forward slashes
 */
export async function readSidecars(options: { root: string; names: string[] }): Promise<Labels | { reason: string }> {
  const { root, names } = options;
  const labels: Labels = { captions: [], split: null, attributes: {} };
  for (const name of names) {
    const text = await readText(root, name);
    if ('reason' in text) return text;
    const read = name.endsWith('.json') ? readObject(text.text) : { captions: text.text.split(/\r\n|\n|\r/) };
    if ('reason' in read) return { reason: `${read.line ? `${name}:${read.line}` : name}: ${read.reason}` };
    const cleaned = cleanCaptions(read.captions);
    if ('reason' in cleaned) return { reason: `${name}: ${cleaned.reason}` };
    // A caption that stands in both files is one.
    const added = cleaned.captions.filter((caption) => !labels.captions.includes(caption));
    Object.assign(labels, read, { captions: [...labels.captions, ...added] });
  }
  return labels;
}
function readObject(text: string): (Labels | { reason: string }) & { line?: number | null } {
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
  return { captions, ...split, attributes: cleanAttributes(omit(values, [...CAPTION_KEYS, 'split'])) };
}

async function readText(root: string, name: string): Promise<{ text: string } | { reason: string }> {
  try {
    const file = path.join(root, name);
    const isLink = (await lstat(file)).isSymbolicLink();
    if (isLink && !(await realpath(file)).startsWith(path.join(root, path.sep))) {
      return { reason: `${name} is a link that leaves ${root}` };
    }
    const status = await stat(file);
    if (!status.isFile()) return { reason: `${name} is not a file` };
    if (status.size > MAX_BYTES) {
      return { reason: `${name} has ${status.size} bytes; caption files of up to ${MAX_BYTES} are read` };
    }
    const text = decodeUtf8(await readFile(file));
    return text === null ? { reason: `${name} is not UTF-8 text` } : { text };
  } catch (error) {
    return { reason: messageOf(explainSystemError(error, name)) };
  }
}
