import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { pack, type Header } from 'tar-stream';

/** A member's name, or what its header says besides; and its content. */
export type TarEntry = [header: string | (Partial<Header> & { name: string }), content?: string | Uint8Array];

/** Writes a tar archive. */
export async function writeTar(file: string, entries: Iterable<TarEntry>): Promise<void> {
  const archive = pack();
  const written = pipeline(archive, createWriteStream(file));
  for (const [header, content = ''] of entries) {
    const full = typeof header === 'string' ? { name: header } : header;
    await new Promise<void>((resolve, reject) => {
      const done = (error?: Error | null) => (error ? reject(error) : resolve());
      if (full.type && full.type !== 'file') archive.entry(full, done);
      else archive.entry(full, content, done);
    });
  }
  archive.finalize();
  await written;
}
