import { open } from 'node:fs/promises';
import path from 'node:path';
import { PatchwordError } from '../../src/errors.js';
import { type OpeningOptions, type Reader, refuseOptions } from './reader.js';
import { findShards, hasShard, openShards } from './shards.js';
import { readMembers, type TarDamage, type TarMember } from './tar.js';
import { readSamples } from './tarsample.js';

const SHARD_NAMES = /\.(tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz|zst))$/i;

/** How files begin that are packed, in hexadecimal. */
const PACKED = { zip: '504b0304', gzip: '1f8b', bzip2: '425a68', xz: 'fd377a58', zstd: '28b52ffd' };

/**
 * WebDataset: tar archives whose members belong together where their names agree up to the first dot. `000001.jpg` has its
 * captions in `000001.txt` and `000001.json`; what else the JSON says, and the number in `.cls`, are attributes. Takes one
 * archive, or a folder of them.
 *
 * @throws PatchwordError FILE_NOT_FOUND, INVALID_ARGUMENT; SOURCE_INVALID where there is no archive that is not packed
 */
export async function readWebdataset(options: OpeningOptions & { path: string }): Promise<Reader> {
  const { images, columns, except } = options;
  refuseOptions('webdataset', { images, columns });
  const shards = await findShards({ path: options.path, names: SHARD_NAMES, format: 'webdataset', except });
  const opened = await openShards(shards, {
    async survey(file) {
      const reason = await reasonAgainst(path.join(shards.root, file));
      if (reason === null) return null;
      throw new PatchwordError('SOURCE_INVALID', `${path.join(shards.root, file)}: ${reason}.`, {
        hint: 'Name a plain .tar, or a folder of them: pictures are read where they lie in it.',
      });
    },
    read: (file) => readSamples(shards.root, file),
  });
  return { format: 'webdataset', ...opened };
}

/** Whether a file, or one of the first of a folder, is a tar archive, or is called one and packed. */
export function looksLikeWebdataset(source: string, except?: readonly string[]): Promise<boolean> {
  return hasShard(source, {
    names: SHARD_NAMES,
    except,
    async fits(file) {
      const { done } = await firstMember(file);
      return !done || (SHARD_NAMES.test(file) && (await packingOf(file)) !== null);
    },
  });
}

async function reasonAgainst(file: string): Promise<string | null> {
  const packing = await packingOf(file);
  if (packing !== null) return `it is packed with ${packing}; unpack it to a plain .tar`;
  const { done, value } = await firstMember(file);
  return done && value ? 'it is no tar archive' : null;
}

async function firstMember(file: string): Promise<IteratorResult<TarMember, TarDamage | null>> {
  const members = readMembers(file);
  try {
    return await members.next();
  } finally {
    await members.return(null);
  }
}

/** What a file is packed with; null where it is not. */
export async function packingOf(file: string): Promise<string | null> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(4) });
    const head = buffer.toString('hex', 0, bytesRead);
    return Object.entries(PACKED).find(([, magic]) => head.startsWith(magic))?.[0] ?? null;
  } finally {
    await handle.close();
  }
}
