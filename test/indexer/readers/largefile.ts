import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { writeArrow } from './arrowfile.js';
import { writeParquet } from './parquetfile.js';

/** Pictures of a large file: 3,000 of 100,000 bytes are 300 MB. */
export const LARGE = { pictures: 3000, bytes: 100_000 };

/** Bytes that are unlike those of any other picture. */
export function largePicture(index: number): Buffer {
  const bytes = Buffer.alloc(LARGE.bytes, index % 251);
  bytes.writeUInt32LE(index);
  return bytes;
}

const WRITERS: Record<string, (file: string) => unknown> = {
  async tar(file) {
    const archive = pack();
    const written = pipeline(archive, createWriteStream(file));
    for (let i = 0; i < LARGE.pictures; i++) {
      await new Promise((resolve) => archive.entry({ name: `${i}.jpg` }, largePicture(i), resolve));
      await new Promise((resolve) => archive.entry({ name: `${i}.txt` }, `caption ${i}`, resolve));
    }
    archive.finalize();
    await written;
  },
  parquet(file) {
    function* groups() {
      for (let start = 0; start < LARGE.pictures; start += 1000) {
        yield Array.from({ length: 1000 }, (_, i) => [largePicture(start + i), [`caption ${start + i}`]]);
      }
    }
    const columns = [{ name: 'image', type: 'bytes' }, { name: 'caption', type: 'strings' }] as const; // prettier-ignore
    writeParquet(file, { columns: [...columns], groups: groups(), pageRows: 10 });
  },
  /** All in one batch, as pandas leaves it. */
  arrow(file) {
    const all = Array.from({ length: LARGE.pictures }, (_, i) => i);
    writeArrow(file, {
      image: { type: 'binary', batches: [all.map(largePicture)] },
      caption: { type: 'texts', batches: [all.map((i) => [`caption ${i}`])] },
    });
  },
};

// Run as a process of its own: what writing takes is not what reading takes.
const [, , kind, file] = process.argv;
if (process.argv[1] === import.meta.filename) await WRITERS[kind](file);
