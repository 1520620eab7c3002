import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../src/errors.js';
import { originalFile } from '../src/original.js';
import { PICTURES_FOLDER } from '../src/store/sqlite/folders.js';
import type { Source, Store } from '../src/store/store.js';
import { IMAGE_LIMITS } from '../src/vilt/limits.js';
import { PICTURES } from './dataset.js';
import { refusalOf } from './unpacking.js';

/** Where pictures that an import unpacked lie in a collection's folder, and the list of them. */
export const UNPACKED_FOLDERS = [PICTURES_FOLDER, `${PICTURES_FOLDER}/${PICTURES}`] as const;

const PAGE = 500;

/** What `unpack` takes into these folders. @param bytes the most of a list */
export function allowedInUnpacked(bytes: number): Record<string, number> {
  const [list, pictures] = UNPACKED_FOLDERS;
  return { [`${list}/`]: bytes, [`${pictures}/`]: IMAGE_LIMITS.bytes };
}

/**
 * Unpacked pictures and their list: paths below the collection's folder, with forward slashes. What a system or a user put
 * beside them is passed over where `unpack` would refuse it, and all else with it.
 */
export async function listUnpacked(folder: string): Promise<string[]> {
  const allowed = allowedInUnpacked(Infinity);
  const files: string[] = [];
  for (const below of UNPACKED_FOLDERS) {
    const at = path.join(folder, below);
    if (!existsSync(at)) continue;
    for (const entry of await readdir(at, { withFileTypes: true })) {
      const name = `${below}/${entry.name}`;
      if (!entry.isFile()) continue;
      if (refusalOf(name, { bytes: (await stat(path.join(folder, name))).size, allowed }) === null) files.push(name);
    }
  }
  return files;
}

/** A picture that the catalog has as it was, and the collection's folder has not. */
export interface LostPicture {
  /** As `listUnpacked` names it. */
  file: string;
  reason: string;
  /** There is something that can be copied all the same. */
  readable: boolean;
}

/** Unpacked pictures that are gone or damaged. Reads them all. */
export async function* lostPictures(store: Store, folder: string): AsyncGenerator<LostPicture> {
  const listed = new Set(await listUnpacked(folder));
  for (const source of await store.sources()) {
    if (!source.root.startsWith(folder + path.sep)) continue;
    for await (const { absolute, contentHash } of filesOf(store, source)) {
      const file = path.relative(folder, absolute).split(path.sep).join('/');
      if (listed.has(file)) {
        const found = await hashOf(createReadStream(absolute)).catch((error: unknown) => ({
          reason: messageOf(error),
        }));
        if (typeof found !== 'string') yield { file, ...found, readable: false };
        else if (found !== contentHash) yield { file, reason: 'it has changed', readable: true };
      } else {
        const reason = existsSync(absolute) ? 'it is no plain file any more that a backup takes' : 'it is gone';
        yield { file, reason, readable: false };
      }
    }
  }
}

async function* filesOf(
  store: Store,
  { sourceId, root }: Source,
): AsyncGenerator<{ absolute: string; contentHash: string }> {
  for (let after = 0; ;) {
    const page = await store.scanFiles({ sourceId, after, limit: PAGE });
    for (const { location, contentHash } of page) yield { absolute: originalFile(root, location), contentHash };
    const last = page.at(-1);
    if (!last) return;
    after = last.fileId;
  }
}

/** SHA-256, hex. */
export async function hashOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of content) hash.update(piece);
  return hash.digest('hex');
}
