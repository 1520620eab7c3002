import { type FileHandle, open } from 'node:fs/promises';
import { extract, type Header } from 'tar-stream';
import { explainReading, messageOf } from '../../src/errors.js';

/** One member of a tar archive. */
export interface TarMember {
  /** As it stands in the archive. */
  name: string;
  kind: 'file' | 'folder' | 'link' | 'sparse file' | 'special file';
  /** Where its content begins, and how long it is. */
  offset: number;
  bytes: number;
}

/** What ends an archive before its time, and at which byte. */
export interface TarDamage {
  offset: number;
  reason: string;
  /** The member that is not whole, where its header still told. */
  member?: string;
}

/** A header, often with a small file after it and the next header. */
const READ_BYTES = 4096;

/** What stands for contents: they are passed over, not read. */
const ZEROS = Buffer.alloc(2 ** 20);

/** Archives of old have no magic number; a header has a checksum in any case. Each chunk waits for the one before. */
const PARSER_OPTIONS = { allowUnknownFormat: true, highWaterMark: 1 };

/** An archive ends with zeros, and another may follow where two were joined; after so many none does. */
const MAX_ZEROS = 2 ** 20;

/**
 * The members of a tar archive (ustar, pax, GNU) in their order: reads headers, not contents. Returns what is damaged; the
 * members before that are whole.
 *
 * @throws PatchwordError FILE_NOT_FOUND
 */
export async function* readMembers(file: string): AsyncGenerator<TarMember, TarDamage | null, void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file);
    return yield* walk(handle, (await handle.stat()).size);
  } catch (error) {
    throw explainReading(error, file);
  } finally {
    await handle?.close();
  }
}

async function* walk(handle: FileHandle, size: number): AsyncGenerator<TarMember, TarDamage | null, void> {
  const found: TarMember[] = [];
  const write = openParser((member) => found.push(member));
  /** Of the last content. */
  let end = 0;
  let zeros = 0;
  for (let position = 0; position < size && zeros < MAX_ZEROS;) {
    const skips = position < end;
    const chunk = skips ? ZEROS.subarray(0, end - position) : await read(handle, position, size);
    position += chunk.length;
    zeros = !skips && chunk.equals(ZEROS.subarray(0, chunk.length)) ? zeros + chunk.length : 0;
    const failure = await write(chunk);
    for (const member of found.splice(0)) {
      if (member.offset + member.bytes > size) {
        return { offset: member.offset, reason: `${member.name} is cut short`, member: member.name };
      }
      end = member.offset + member.bytes;
      yield member;
    }
    if (failure !== null) return { offset: end, reason: failure };
  }
  const failure = zeros > 0 ? null : await write(null);
  return failure === null ? null : { offset: end, reason: failure };
}

/** What takes an archive chunk by chunk; null is its end. Says why it cannot go on, or null. */
function openParser(onMember: (member: TarMember) => void): (chunk: Uint8Array | null) => Promise<string | null> {
  const parser = extract(PARSER_OPTIONS);
  let settle: (failure: string | null) => void = () => undefined;
  parser.on('entry', (header, content, next) => {
    const member = memberOf(header as Header & { byteOffset: number });
    if (!Number.isSafeInteger(member.bytes)) {
      // tar-stream takes a size in a notation it does not know for null, and then waits for ever.
      settle(`the header of ${member.name} has no size that can be read`);
      parser.destroy();
      return;
    }
    onMember(member);
    content.once('end', () => next(null));
    content.resume();
  });
  parser.on('drain', () => settle(null));
  parser.on('finish', () => settle(null));
  parser.on('error', (error) => {
    const cut = error.message === 'Unexpected end of data';
    settle(cut ? 'it ends in the middle of a header' : `no tar header follows: ${messageOf(error)}`);
  });
  return (chunk) =>
    new Promise((resolve) => {
      settle = resolve;
      if (chunk === null) parser.end(undefined);
      else parser.write(chunk);
    });
}

async function read(handle: FileHandle, position: number, size: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read({
    buffer: Buffer.alloc(Math.min(READ_BYTES, size - position)),
    position,
  });
  if (bytesRead === 0) throw new Error('the archive became shorter while it was read');
  return buffer.subarray(0, bytesRead);
}

function memberOf({ name, type, size, byteOffset, pax }: Header & { byteOffset: number }): TarMember {
  return { name, kind: kindOf(type, pax), offset: byteOffset, bytes: type === 'directory' ? 0 : size };
}

function kindOf(type: Header['type'] | null, pax: unknown): TarMember['kind'] {
  if (pax && Object.keys(pax).some((key) => key.startsWith('GNU.sparse.'))) return 'sparse file';
  switch (type) {
    case 'file':
    case 'contiguous-file':
      return 'file';
    case 'directory':
      return 'folder';
    case 'link':
    case 'symlink':
      return 'link';
    default:
      return 'special file';
  }
}
