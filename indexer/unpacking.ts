import { createReadStream, createWriteStream } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { explainSystemError, PatchwordError } from '../src/errors.js';
import { makeFolder } from '../src/folder.js';
import { readMembers, type TarMember } from './readers/tar.js';

export interface UnpackOptions {
  /** A tar file. */
  file: string;
  /** Where its files go; it need not be there. */
  folder: string;
  /**
   * What may be in it: names as they are, and folders (`images/`) that hold files of any name but no folders; each with the
   * most bytes that one file may have.
   */
  allowed: Record<string, number>;
  /** Called with the bytes of files so far and those of the tar file. */
  onProgress?: (progress: { done: number; total: number }) => void;
  signal?: AbortSignal;
}

/** File systems take no longer ones. */
const NAME_BYTES = 255;

/**
 * Unpacks a tar file, trusting nothing in it: plain files of the names that are allowed, none twice, none over another.
 *
 * @throws PatchwordError SOURCE_INVALID for anything else, before it is written; FILE_NOT_FOUND, DISK_FULL, READ_ONLY, CANCELLED
 */
export async function unpack({ file, folder, allowed, onProgress, signal }: UnpackOptions): Promise<void> {
  const { size: total } = await stat(file).catch((error: unknown) => {
    throw explainSystemError(error, file);
  });
  makeFolder(folder);
  await requireSpace(folder, total);
  let done = 0;
  for await (const member of wholeMembers(file)) {
    if (signal?.aborted) throw new PatchwordError('CANCELLED', 'Stopped; nothing was imported.');
    const name = member.name.replace(/^(\.\/)+/, '');
    if (member.kind === 'folder' && (name === '' || isFolder(allowed, name))) continue;
    const refusal = refuse(member, name, allowed);
    if (refusal) throw new PatchwordError('SOURCE_INVALID', `${file} holds ${quote(member.name)}: ${refusal}.`);
    await write(member, path.join(folder, name), file);
    done += member.bytes;
    onProgress?.({ done, total });
  }
}

/** @throws PatchwordError SOURCE_INVALID where the file breaks off */
async function* wholeMembers(file: string): AsyncGenerator<TarMember> {
  const damage = yield* readMembers(file);
  if (damage) throw new PatchwordError('SOURCE_INVALID', `${file} is not a whole tar file: ${damage.reason}.`);
}

/** Why an entry is not unpacked. */
function refuse({ kind, bytes }: TarMember, name: string, allowed: Record<string, number>): string | null {
  if (kind !== 'file') return `expected a file, got a ${kind}`;
  return refusalOf(name, { bytes, allowed });
}

/** Why a plain file of this name and size is not unpacked; null where it is. */
export function refusalOf(
  name: string,
  { bytes, allowed }: { bytes: number } & Pick<UnpackOptions, 'allowed'>,
): string | null {
  const slash = name.lastIndexOf('/') + 1;
  const place = slash === 0 ? name : name.slice(0, slash);
  // `allowed` has the names of Object too.
  if (!Object.hasOwn(allowed, place)) {
    return `expected only ${Object.keys(allowed).join(', ')}`;
  }
  const base = name.slice(slash);
  if (base === '' || base.startsWith('.') || /[/\\\p{Cc}]/u.test(base)) return 'expected a plain file name';
  if (Buffer.byteLength(base) > NAME_BYTES) return `its name has more than ${NAME_BYTES} bytes`;
  if (!(bytes <= allowed[place])) return `it has ${bytes} bytes, more than ${allowed[place]}`;
  return null;
}

function isFolder(allowed: Record<string, number>, name: string): boolean {
  return Object.hasOwn(allowed, name.endsWith('/') ? name : `${name}/`);
}

async function write({ name, offset, bytes }: TarMember, target: string, file: string): Promise<void> {
  makeFolder(path.dirname(target));
  try {
    // `end` is the last byte, so that there is none for no bytes.
    const content = bytes > 0 ? createReadStream(file, { start: offset, end: offset + bytes - 1 }) : [];
    await pipeline(content, createWriteStream(target, { flags: 'wx', flush: true }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new PatchwordError('SOURCE_INVALID', `${file} holds ${quote(name)} twice.`, { cause: error });
    }
    throw explainSystemError(error, target);
  }
}

/** Better at once than after an hour. */
async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  throw explainSystemError({ code: 'ENOSPC' }, folder);
}

function quote(name: string): string {
  return JSON.stringify(name.slice(0, 200));
}
