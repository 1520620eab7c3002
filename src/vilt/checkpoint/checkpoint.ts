import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { PatchwordError } from '../../errors.js';
import { damaged } from './damage.js';
import { toHuggingFaceNames } from './names.js';
import { reading, readRange, sizeOf, unreadable } from './range.js';
import { readSafetensors } from './safetensors.js';
import { readShards } from './shards.js';
import type { Tensor } from './tensor.js';

/** The weights of a ViLT, wherever they come from, under Hugging Face's names. */
export interface Checkpoint {
  /** Holds config.json when there is one. */
  folder: string;
  /** The weight files, absolute. */
  files: string[];
  /** `original` has the names of the dandelin/ViLT repository, whatever the file's format. */
  format: 'safetensors' | 'pytorch' | 'original';
  /** By Hugging Face name: vilt.embeddings.cls_token, rank_output.weight, … */
  tensors: ReadonlyMap<string, Tensor>;
}

const INDEX = 'model.safetensors.index.json';
/** What is looked for in a folder, best first; then a single .ckpt. */
const WEIGHT_NAMES = ['model.safetensors', INDEX, 'pytorch_model.bin'];

/**
 * Finds the tensors of a checkpoint without reading them.
 *
 * @param location a model folder, or a .safetensors, .bin or .ckpt file
 * @throws PatchwordError MODEL_NOT_FOUND where there is nothing; MODEL_INCOMPLETE for a folder without weights or a damaged
 *   file; MODEL_UNSUPPORTED for weights in a format that is not read
 */
export async function openCheckpoint(location: string): Promise<Checkpoint> {
  const file = findWeights(path.resolve(location));
  const read = file.endsWith('.index.json') ? readShards(file) : { files: [file], tensors: await readWeights(file) };
  const { tensors, original } = toHuggingFaceNames(read.tensors);
  const stored = read.files[0]?.endsWith('.safetensors') ? 'safetensors' : 'pytorch';
  return { folder: path.dirname(file), files: read.files, format: original ? 'original' : stored, tensors };
}

/** SHA-256 (hex) of the files' bytes, one after the other: of a single file, what sha256sum prints. */
export async function hashFiles(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) {
    try {
      for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
    } catch (error) {
      throw unreadable(file, error);
    }
  }
  return hash.digest('hex');
}

function findWeights(location: string): string {
  const found = reading(location, () => statSync(location, { throwIfNoEntry: false }));
  if (!found) {
    throw new PatchwordError('MODEL_NOT_FOUND', `There is no model at ${location}.`, {
      hint: 'Give a model folder, a .safetensors, .bin or .ckpt file, or a hub model added with `patchword model add ID`.',
    });
  }
  if (!found.isDirectory()) return location;
  const names = new Set(reading(location, () => readdirSync(location)));
  const known = WEIGHT_NAMES.find((name) => names.has(name));
  if (known) return path.join(location, known);
  const [ckpt, ...others] = [...names].filter((name) => name.endsWith('.ckpt')).sort();
  if (others.length > 0) {
    const list = [ckpt, ...others].join(', ');
    throw new PatchwordError('MODEL_INCOMPLETE', `${location} holds several checkpoints: ${list}.`, {
      hint: 'Give the path of the one to read.',
    });
  }
  if (ckpt) return path.join(location, ckpt);
  throw new PatchwordError(
    'MODEL_INCOMPLETE',
    `${location} holds no weights: looked for ${WEIGHT_NAMES.join(', ')} and a .ckpt file.`,
    { hint: 'Download the weights into it, or give the folder that has them.' },
  );
}

async function readWeights(file: string): Promise<Map<string, Tensor>> {
  const start = Buffer.from(readRange(file, 0, Math.min(sizeOf(file), 64)).buffer);
  if (start.toString('latin1').startsWith('version https://git-lfs')) {
    throw new PatchwordError('MODEL_INCOMPLETE', `${file} is a Git LFS pointer, not the weights themselves.`, {
      hint: 'Run `git lfs pull` in its repository, or download the file itself.',
    });
  }
  if (start.toString('latin1', 0, 4) === 'PK\x03\x04') {
    const { readPytorch } = await import('./pytorch.js');
    return readPytorch(file);
  }
  if (file.endsWith('.safetensors')) return readSafetensors(file).tensors;
  // Before 1.6, PyTorch wrote one pickle after another (each begins with 0x80) or a tar archive.
  if (start[0] === 0x80) {
    throw new PatchwordError('MODEL_UNSUPPORTED', `${file} is in PyTorch's format from before version 1.6.`, {
      hint: 'Load it with torch.load and save it again with torch.save, or as safetensors.',
    });
  }
  throw damaged(file, 'it is neither a PyTorch archive nor a safetensors file');
}
