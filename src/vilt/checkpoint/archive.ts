import { openPromise, type ZipFile } from 'yauzl';
import { messageOf } from '../../errors.js';
import { damaged, quote } from './damage.js';

/** PyTorch keeps a file per tensor storage: about a thousand for a ViLT with its optimizer's state. */
const MAX_ENTRIES = 100_000;

/** One file of an archive, as a range of the archive's own bytes. */
export interface ArchiveEntry {
  offset: number;
  byteLength: number;
  /** Neither compressed nor encrypted: the range holds the file's very bytes. */
  stored: boolean;
}

/**
 * Finds the files of a zip archive (zip64 too) without extracting any, by their names in the one folder that PyTorch puts
 * them in: `data.pkl`, `data/0`, `byteorder`, …
 *
 * @throws PatchwordError MODEL_INCOMPLETE for an archive that is cut short or contradicts itself
 */
export async function readArchive(file: string): Promise<Map<string, ArchiveEntry>> {
  let zip: ZipFile | undefined;
  const entries = new Map<string, ArchiveEntry>();
  try {
    zip = await openPromise(file, { autoClose: false });
    if (zip.entryCount > MAX_ENTRIES) throw new Error(`it has ${zip.entryCount} entries, more than ${MAX_ENTRIES}`);
    for await (const entry of zip.eachEntry()) {
      const name = entry.fileName.slice(entry.fileName.indexOf('/') + 1);
      if (entries.has(name)) throw new Error(`it has two entries named ${quote(name)}`);
      // The data begins after the local header, whose length only that header tells.
      const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
      const stored = entry.compressionMethod === 0 && !entry.isEncrypted();
      entries.set(name, { offset: fileDataStart, byteLength: entry.compressedSize, stored });
    }
  } catch (error) {
    throw damaged(
      file,
      `as a zip archive it cannot be read (${messageOf(error).replace(/\.$/, '').slice(0, 200)})`,
      error,
    );
  } finally {
    zip?.close();
  }
  return entries;
}
