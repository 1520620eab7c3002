import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';
import { explainSystemError, messageOf, PatchwordError } from '../src/errors.js';

/** Writes a tar file entry by entry: what was added is on its way to the disk before more is taken. */
export class TarWriter {
  private readonly pack = tar.pack();
  private readonly written: Promise<void>;

  /** @param file must not be there */
  constructor(file: string) {
    this.written = pipeline(this.pack, createWriteStream(file, { flags: 'wx' }));
    this.written.catch(() => undefined); // Thrown where `add` or `finish` waits for it.
  }

  /** @param modified in milliseconds since the epoch */
  async add(entry: { name: string; bytes: Uint8Array; modified: number }): Promise<void> {
    const { name, bytes, modified } = entry;
    const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    await this.send((done) =>
      this.pack.entry({ name, size: content.length, mtime: new Date(modified) }, content, done),
    );
  }

  /** The same for what lies in a file, however large. */
  async addFile({ name, file }: { name: string; file: string }): Promise<void> {
    const { size, mtime } = await stat(file);
    await this.send((done) => {
      const entry = this.pack.entry({ name, size, mtime }, done);
      pipeline(createReadStream(file), entry).catch((error: Error) => this.pack.destroy(error));
    });
  }

  async finish(): Promise<void> {
    this.pack.finalize();
    await this.written;
  }

  /** Lets go of the file, half written. */
  async abandon(): Promise<void> {
    this.pack.destroy();
    await this.written.catch(() => undefined);
  }

  private async send(begin: (done: (error?: Error | null) => void) => void): Promise<void> {
    const sent = new Promise<void>((resolve, reject) => begin((error) => (error ? reject(error) : resolve())));
    // A disk that is full ends the pipe, and says why.
    await Promise.race([sent, this.written.then(() => sent)]);
  }
}

export interface TarEntry {
  name: string;
  /** "file", "directory", "symlink", … */
  type: string;
  /** Bytes of the content. */
  size: number;
  /** To be read to its end before the next entry is asked for. */
  content: AsyncIterable<Uint8Array>;
}

/**
 * The entries of a tar file in their order, streaming. Names are as written: nothing about them can be relied on.
 *
 * @throws PatchwordError FILE_NOT_FOUND; SOURCE_INVALID where it is no tar file, or breaks off
 */
export async function* readTar(file: string): AsyncGenerator<TarEntry> {
  const extract = tar.extract();
  const reading = pipeline(createReadStream(file), extract);
  reading.catch(() => undefined);
  try {
    for await (const entry of extract) {
      const { name, type, size } = entry.header;
      yield { name, type: type ?? 'file', size: size ?? 0, content: read(entry as AsyncIterable<Uint8Array>, file) };
      entry.resume();
    }
    await reading;
  } catch (error) {
    throw explain(error, file);
  }
}

async function* read(content: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    throw explain(error, file);
  }
}

function explain(error: unknown, file: string): unknown {
  const explained = explainSystemError(error, file);
  if (explained instanceof PatchwordError) return explained;
  return new PatchwordError('SOURCE_INVALID', `${file} is not a tar file, or was cut short: ${messageOf(error)}.`, {
    cause: error,
  });
}
