import { existsSync, statSync } from 'node:fs';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { explainSystemError, PatchwordError } from '../src/errors.js';
import { makeFolder } from '../src/folder.js';
import { cacheFolder } from '../src/paths.js';

/**
 * Hub models that were added, in the cache folder:
 *
 *     models/<owner>--<name>/<commit>/…        the files
 *     models/<owner>--<name>/<revision>.json   which commit the revision was when it was added, and what came
 *     models/<owner>--<name>/<commit>.lock.sqlite   held by the one that downloads
 */
export interface Pin {
  id: string;
  revision: string;
  commit: string;
  files: { name: string; size: number; sha256: string }[];
}

const pinSchema = z.object({
  id: z.string(),
  revision: z.string(),
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  files: z.array(z.object({ name: z.string().regex(/^[^/\\]+$/), size: z.number(), sha256: z.string() })),
});

export const DEFAULT_REVISION = 'main';

/**
 * Reads `owner/name` or `owner/name@revision`.
 *
 * @throws PatchwordError INVALID_ARGUMENT for what is neither
 */
export function parseModelId(text: string): { id: string; revision: string | undefined } {
  const [id, revision] = text.split(/@(.*)/s, 2);
  // The hub's own rule for ids; a revision is a branch, a tag, a commit or a path like refs/pr/1.
  if (/^\w[\w.-]{0,95}\/\w[\w.-]{0,95}$/.test(id) && !/\.\.|--/.test(id)) {
    if (revision === undefined || isRevision(revision)) return { id, revision };
  }
  throw new PatchwordError('INVALID_ARGUMENT', `"${text.slice(0, 200)}" is not the id of a hub model.`, {
    hint: 'Write owner/name or owner/name@revision, such as dandelin/vilt-b32-finetuned-coco.',
  });
}

export function isRevision(text: string): boolean {
  return /^\w[\w./-]{0,199}$/.test(text) && !text.includes('..');
}

export function modelFolder(cache: string, id: string, commit: string): string {
  return path.join(repositoryFolder(cache, id), commit);
}

/** What was added as a revision (or as any that was this commit), with all of its files still there. */
export async function readPin(cache: string, id: string, revision: string): Promise<Pin | undefined> {
  const repository = repositoryFolder(cache, id);
  const names = (await readdir(repository).catch(() => [])).filter((name) => name.endsWith('.json'));
  const pins = await Promise.all(names.map((name) => readPinFile(path.join(repository, name))));
  const found = pins.filter((pin) => pin !== undefined);
  const pin = found.find((pin) => pin.revision === revision) ?? found.find((pin) => pin.commit === revision);
  if (!pin) return undefined;
  const folder = modelFolder(cache, id, pin.commit);
  return pin.files.every((file) => isWhole(folder, file)) ? pin : undefined;
}

/** What `fit` and `calibrate` write beside the weights, in the place of what came with them. */
const WRITTEN_HERE = ['patchword.json', 'prefilter.safetensors', 'prefilter.json'];

function isWhole(folder: string, { name, size }: Pin['files'][number]): boolean {
  const there = statSync(path.join(folder, name), { throwIfNoEntry: false });
  return there !== undefined && (there.size === size || WRITTEN_HERE.includes(name));
}

export async function writePin(cache: string, pin: Pin): Promise<void> {
  const file = path.join(repositoryFolder(cache, pin.id), `${encodeURIComponent(pin.revision)}.json`);
  try {
    makeFolder(path.dirname(file));
    await writeFile(`${file}.part`, `${JSON.stringify(pin, null, 1)}\n`);
    await rename(`${file}.part`, file);
  } catch (error) {
    throw explainSystemError(error, file);
  }
}

/**
 * The folder of a model: a path as it is, or where the hub model of that id (`owner/name` or `owner/name@revision`) was put.
 *
 * @throws PatchwordError MODEL_NOT_FOUND naming the command that adds a hub model
 */
export async function resolveModel(idOrFolder: string, { cache = cacheFolder() } = {}): Promise<string> {
  if (existsSync(idOrFolder)) return idOrFolder;
  let id: string, revision: string | undefined;
  try {
    ({ id, revision } = parseModelId(idOrFolder));
  } catch (cause) {
    throw new PatchwordError('MODEL_NOT_FOUND', `There is no model at ${idOrFolder}.`, {
      hint: 'Give a model folder, or the id of a hub model: patchword model add OWNER/NAME',
      cause,
    });
  }
  const pin = await readPin(cache, id, revision ?? DEFAULT_REVISION);
  if (pin) return modelFolder(cache, id, pin.commit);
  throw new PatchwordError(
    'MODEL_NOT_FOUND',
    `There is no folder ${idOrFolder}, and no hub model of that id has been added.`,
    { hint: `Add it first: patchword model add ${idOrFolder}` },
  );
}

function repositoryFolder(cache: string, id: string): string {
  return path.join(cache, 'models', id.replace('/', '--'));
}

async function readPinFile(file: string): Promise<Pin | undefined> {
  try {
    return pinSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined; // Damaged, or not ours: as if the revision had not been added.
  }
}
