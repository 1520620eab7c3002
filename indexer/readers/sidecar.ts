import { lstat, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { explainReading, messageOf } from '../../src/errors.js';
import { type Labels, MAX_LABEL_BYTES, readLabels } from './labels.js';

/** Endings of the files beside a picture, in the order in which they are read. */
export const SIDECAR_EXTENSIONS = ['.txt', '.json'] as const;

/**
 * What sidecars say of their picture: the lines of a text, the captions, the split and the attributes of a JSON object. A
 * reason names the file that is at fault.
 *
 * @param options.names below the root, forward slashes
 */
export async function readSidecars(options: { root: string; names: string[] }): Promise<Labels | { reason: string }> {
  const { root, names } = options;
  const texts = [];
  for (const name of names) {
    const read = await readBytes(root, name);
    if ('reason' in read) return read;
    texts.push({ name, extension: path.extname(name).slice(1).toLowerCase(), ...read });
  }
  return readLabels(texts);
}

async function readBytes(root: string, name: string): Promise<{ bytes: Uint8Array } | { reason: string }> {
  try {
    const file = path.join(root, name);
    const isLink = (await lstat(file)).isSymbolicLink();
    if (isLink && !(await realpath(file)).startsWith(path.join(root, path.sep))) {
      return { reason: `${name} is a link that leaves ${root}` };
    }
    const status = await stat(file);
    if (!status.isFile()) return { reason: `${name} is not a file` };
    if (status.size > MAX_LABEL_BYTES) {
      return { reason: `${name} has ${status.size} bytes; caption files of up to ${MAX_LABEL_BYTES} are read` };
    }
    return { bytes: await readFile(file) };
  } catch (error) {
    return { reason: messageOf(explainReading(error, name)) };
  }
}
