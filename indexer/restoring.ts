import { createReadStream } from 'node:fs';
import { copyFile, lstat, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { explainSystemError, messageOf, PatchwordError } from '../src/errors.js';
import { makeFolder, syncPath } from '../src/folder.js';
import { openStore } from '../src/store/sqlite/store.js';
import type { CollectionInfo, Store } from '../src/store/store.js';
import { BACKUP, BackupManifest, MANIFEST_BYTES } from './backup.js';
import { PICTURES } from './dataset.js';
import { describeCount } from './text.js';
import { allowedInUnpacked, hashOf, lostPictures, UNPACKED_FOLDERS } from './unpacked.js';
import { unpack } from './unpacking.js';

export interface RestoreOptions {
  /** A backup: a folder, or a tar file. */
  from: string;
  isTar: boolean;
  /** Where the collection is made: its data folder, name and own folder. */
  staged: { data: string; folder: string };
  name: string;
  onNote?: (line: string) => void;
  signal?: AbortSignal;
}

/** Checks without which a catalog is not opened for use. */
const ESSENTIAL = ['integrity', 'schema'];

/**
 * Makes a collection of a backup. The catalog is taken as it is, so nothing is embedded; vectors are made from it.
 *
 * @throws PatchwordError SOURCE_INVALID where the backup is not what was written; COLLECTION_DAMAGED for one of a newer Patchword
 */
export async function restore(options: RestoreOptions): Promise<CollectionInfo> {
  const { from, isTar, staged, name, onNote } = options;
  await (isTar ? unpackBackup(options) : copyBackup(options));
  const manifest = await readManifest(path.join(staged.folder, BACKUP.manifest), from);
  await rm(path.join(staged.folder, BACKUP.manifest));
  const catalog = path.join(staged.folder, BACKUP.catalog);
  const sha256 = await hashOf(createReadStream(catalog)).catch(() => null);
  if (sha256 !== manifest.catalog.sha256) throw damaged(from, 'its catalog is missing, or does not match its checksum');

  const store = await openStore({ data: staged.data, name, warm: false, onNote });
  try {
    const { checks } = await store.verify();
    const wrong = checks.filter(({ failed, settles }) => failed > 0 && !settles);
    const fatal = wrong.find((check) => ESSENTIAL.includes(check.name));
    if (fatal) throw damaged(from, `${fatal.what}, but ${fatal.examples[0]}`);
    const info = await store.info();
    for (const { name, examples } of wrong) {
      if (name === 'pictures') await requirePictures(store, { ...options, folder: info.folder, manifest });
      else onNote?.(`The backup has faults: ${name}: ${examples[0]}`);
    }
    await store.flush();
    return await store.info();
  } finally {
    await store.close();
  }
}

/**
 * A picture may only be lost where the collection had lost it before it was backed up.
 *
 * @throws PatchwordError SOURCE_INVALID
 */
async function requirePictures(
  store: Store,
  { from, folder, manifest, onNote }: RestoreOptions & { folder: string; manifest: BackupManifest },
): Promise<void> {
  const known = new Set(manifest.pictures.lost);
  let [count, example] = [0, ''];
  for await (const { file, reason } of lostPictures(store, folder)) {
    if (!known.has(file)) throw damaged(from, `its pictures have to be there and unchanged, but ${file}: ${reason}`);
    count += 1;
    example ||= `${file}: ${reason}`;
  }
  if (count === 0) return;
  const what = describeCount(count, 'picture');
  onNote?.(`${what} had been lost before the backup was made${count > 1 ? ', such as ' : ': '}${example}`);
}

async function unpackBackup({ from, staged, signal }: RestoreOptions): Promise<void> {
  const { size } = await stat(from);
  const allowed = {
    [BACKUP.manifest]: MANIFEST_BYTES,
    [BACKUP.catalog]: size,
    ...allowedInUnpacked(size),
  };
  await unpack({ file: from, folder: staged.folder, allowed, signal });
}

async function copyBackup({ from, staged, signal }: RestoreOptions): Promise<void> {
  await copyPlain(from, staged.folder, [BACKUP.manifest, BACKUP.catalog]);
  for (const below of UNPACKED_FOLDERS) {
    const names = await readdir(path.join(from, below)).catch(() => []);
    if (signal?.aborted) throw new PatchwordError('CANCELLED', 'Stopped; nothing was imported.');
    const files = names.filter((name) => name !== PICTURES);
    await copyPlain(path.join(from, below), path.join(staged.folder, below), files);
  }
}

async function copyPlain(from: string, to: string, names: string[]): Promise<void> {
  if (names.length > 0) makeFolder(to);
  for (const name of names) {
    const file = path.join(from, name);
    try {
      if (!(await lstat(file)).isFile()) throw damaged(from, `${name} is not a plain file`);
      await copyFile(file, path.join(to, name));
      syncPath(path.join(to, name));
    } catch (error) {
      throw explainSystemError(error, file);
    }
  }
}

async function readManifest(file: string, from: string): Promise<BackupManifest> {
  try {
    if ((await stat(file)).size > MANIFEST_BYTES) throw new Error(`it has more than ${MANIFEST_BYTES} bytes`);
    return BackupManifest.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw damaged(from, `${BACKUP.manifest} cannot be understood: ${messageOf(error)}`);
  }
}

function damaged(from: string, what: string): PatchwordError {
  return new PatchwordError('SOURCE_INVALID', `${from} is not a backup as it was written: ${what}.`, {
    hint: 'Copy it again from where it came, or use another backup.',
  });
}
