import { createReadStream, existsSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { withDraft } from '../src/draft.js';
import { PatchwordError } from '../src/errors.js';
import { makeFolder, syncFolder, syncPath } from '../src/folder.js';
import { PACKAGE_VERSION } from '../src/paths.js';
import type { SqliteStore } from '../src/store/sqlite/store.js';
import { readMembers } from './readers/tar.js';
import { TarWriter } from './tar.js';
import { hashOf, listUnpacked, type LostPicture, lostPictures, UNPACKED_FOLDERS } from './unpacked.js';

/**
 * A backup, as a folder or as one tar file:
 *
 *     backup.json       what it is
 *     catalog.sqlite    the catalog
 *     imported/         pictures that an import unpacked into the collection, as they were unpacked; their hashes are in the catalog
 */
export const BACKUP = { manifest: 'backup.json', catalog: 'catalog.sqlite' } as const;

/** backup.json */
export const BackupManifest = z.object({
  /** Version of this layout. */
  backup: z.literal(1),
  /** The Patchword that wrote it. */
  patchword: z.string(),
  collection: z.string(),
  /** ISO 8601 */
  made: z.string(),
  model: z.object({ path: z.string(), hash: z.string() }),
  images: z.number(),
  captions: z.number(),
  catalog: z.object({ bytes: z.number(), sha256: z.string() }),
  pictures: z.object({
    files: z.number(),
    /** Those of the catalog that were gone or damaged already: all others must be there and unchanged. */
    lost: z.array(z.string()).default([]),
  }),
});
export type BackupManifest = z.infer<typeof BackupManifest>;

/** The most of backup.json: it names the lost pictures, and a million may be. */
export const MANIFEST_BYTES = 2 ** 26;

export interface BackupOptions {
  store: SqliteStore;
  /** A folder that is not there, or a `.tar` file that is not there. */
  target: string;
}

export interface BackupResult {
  images: number;
  captions: number;
  /** Of the catalog. */
  bytes: number;
  /** Files of pictures that an import had unpacked into the collection. */
  pictures: number;
  /** Of these pictures, those that are gone or damaged: the backup has them no better than the collection. */
  lost: { file: string; reason: string }[];
  seconds: number;
}

/**
 * Writes all of a collection that cannot be made again, as it is at one moment, while others index, search and serve it. It is
 * there whole or not at all, on the disk, and its catalog was read back. Pictures that the collection has lost do not keep the rest from it.
 *
 * @throws PatchwordError INVALID_ARGUMENT where the target is taken; COLLECTION_DAMAGED, DISK_FULL, READ_ONLY
 */
export async function backupCollection({ store, target }: BackupOptions): Promise<BackupResult> {
  const started = performance.now();
  const { name, folder, model } = await store.info();
  return withDraft({ target }, async ({ place, scratch }) => {
    const asTar = /\.tar$/i.test(target);
    const written = asTar ? scratch : place;
    makeFolder(written);
    const catalog = path.join(written, BACKUP.catalog);
    // Before the catalog: what comes into that meanwhile was just read, and is not lost.
    const lost: LostPicture[] = [];
    for await (const picture of lostPictures(store, folder)) lost.push(picture);
    const { images, captions, bytes, checksum } = await store.backup(catalog);
    const unreadable = new Set(lost.filter(({ readable }) => !readable).map(({ file }) => file));
    const pictures = (await listUnpacked(folder)).filter((file) => !unreadable.has(file));
    const manifest: BackupManifest = {
      backup: 1,
      patchword: PACKAGE_VERSION,
      collection: name,
      made: new Date().toISOString(),
      model: { path: model.path, hash: model.hash },
      images,
      captions,
      catalog: { bytes, sha256: checksum },
      pictures: { files: pictures.length, lost: lost.map(({ file }) => file) },
    };
    const described = path.join(written, BACKUP.manifest);
    await writeFile(described, `${JSON.stringify(manifest, null, 2)}\n`);
    syncPath(described);
    if (asTar) await pack(place, { written, folder, pictures, checksum });
    else await copyPictures(place, { folder, pictures });
    return {
      ...{ images, captions, bytes, pictures: pictures.length },
      lost: lost.map(({ file, reason }) => ({ file, reason })),
      seconds: (performance.now() - started) / 1000,
    };
  });
}

async function copyPictures(
  place: string,
  { folder, pictures }: { folder: string; pictures: string[] },
): Promise<void> {
  for (const file of pictures) {
    makeFolder(path.join(place, path.dirname(file)));
    await copyFile(path.join(folder, file), path.join(place, file));
    syncPath(path.join(place, file));
  }
  for (const below of UNPACKED_FOLDERS) {
    if (existsSync(path.join(place, below))) syncFolder(path.join(place, below));
  }
}

async function pack(
  place: string,
  { written, folder, pictures, checksum }: { written: string; folder: string; pictures: string[]; checksum: string },
): Promise<void> {
  const tar = new TarWriter(place);
  try {
    // First, so that it is quickly told what the file is.
    for (const name of [BACKUP.manifest, BACKUP.catalog]) await tar.addFile({ name, file: path.join(written, name) });
    for (const name of pictures) await tar.addFile({ name, file: path.join(folder, name) });
    await tar.finish();
  } finally {
    await tar.abandon();
  }
  if ((await packedChecksum(place)) === checksum) return;
  throw new PatchwordError('COLLECTION_DAMAGED', `${place} does not hold what was written to it.`, {
    hint: 'Check the disk, and run the same command again.',
  });
}

/** SHA-256 of the catalog in a tar file, hex. */
async function packedChecksum(file: string): Promise<string | null> {
  for await (const { name, offset, bytes } of readMembers(file)) {
    if (name === BACKUP.catalog) return hashOf(createReadStream(file, { start: offset, end: offset + bytes - 1 }));
  }
  return null;
}
