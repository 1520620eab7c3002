import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';

/** Writes a tar file entry by entry: what was added is on its way to the disk before more is taken. */
export class TarWriter {
  private readonly pack = pack();
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
