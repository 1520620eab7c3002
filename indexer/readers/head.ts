import { open, stat } from 'node:fs/promises';

/** How far into a file its format shows. */
const HEAD_BYTES = 65_536;

/** The beginning of a file as text, whatever it holds, without a byte-order mark; '' where it is none. */
export async function readHead(file: string): Promise<string> {
  // Before it is opened: that would wait for whoever writes to a pipe.
  if (!(await stat(file)).isFile()) return '';
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(HEAD_BYTES) });
    return buffer.toString('utf8', 0, bytesRead).replace(/^\uFEFF/, '');
  } finally {
    await handle.close();
  }
}
