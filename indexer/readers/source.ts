import { open, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { explainSystemError, PatchwordError } from '../../src/errors.js';
import { readFolder } from './folder.js';
import { readKarpathy } from './karpathy.js';
import type { Reader } from './reader.js';

/** How far into a JSON file its format shows. */
const SNIFFED_BYTES = 65_536;

/**
 * The reader for a source, chosen by what is there: a Karpathy JSON file; a folder that holds one, named `dataset*.json`
 * as Karpathy's are; or a folder of pictures.
 *
 * @param images where the pictures of a JSON file are; default: beside it, or in `images/` beside it
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID
 */
export async function openSource({ source, images }: { source: string; images?: string }): Promise<Reader> {
  const absolute = path.resolve(source);
  try {
    const status = await stat(absolute);
    if (status.isFile()) return await readKarpathy({ file: absolute, images });
    if (status.isDirectory()) {
      const dataset = await findDataset(absolute);
      if (dataset !== null) return await readKarpathy({ file: dataset, images });
      if (images === undefined) return await readFolder(await realpath(absolute));
      throw new PatchwordError(
        'INVALID_ARGUMENT',
        `--images goes with a Karpathy JSON file, and ${source} holds none.`,
      );
    }
  } catch (error) {
    throw explainSystemError(error, absolute);
  }
  throw new PatchwordError('SOURCE_INVALID', `${source} is neither a folder nor a file.`);
}

async function findDataset(folder: string): Promise<string | null> {
  const names = (await readdir(folder)).filter((name) => /^dataset.*\.json$/i.test(name)).sort();
  const datasets = [];
  for (const name of names) if (await holdsSentences(path.join(folder, name))) datasets.push(name);
  if (datasets.length > 1) {
    throw new PatchwordError('SOURCE_INVALID', `${folder} holds several datasets: ${datasets.join(', ')}.`, {
      hint: `Name one of them, for example ${path.join(folder, datasets[0] ?? '')}.`,
    });
  }
  return datasets[0] === undefined ? null : path.join(folder, datasets[0]);
}

async function holdsSentences(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    if (!(await handle.stat()).isFile()) return false;
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(SNIFFED_BYTES) });
    return buffer.subarray(0, bytesRead).includes('"sentences"');
  } finally {
    await handle.close();
  }
}
