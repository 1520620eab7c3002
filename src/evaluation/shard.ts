import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { syncFolder, syncPath } from '../folder.js';
import { explainReading, explainSystemError } from '../errors.js';

/** A part of a long piece of work, on disk: numbers, and what they are of. */
export interface Shard {
  header: ShardHeader;
  /** As many bytes as the header's meaning asks for. */
  body: Uint8Array;
}

const headerSchema = z.object({
  /** What the work is of: a shard of another key is of no use here. */
  key: z.string(),
  kind: z.enum(['scores', 'images', 'texts']),
  /** Rows, whose meaning is the kind's. */
  count: z.number().int().nonnegative(),
  /** What it took to compute them. */
  seconds: z.number().nonnegative(),
});

export type ShardHeader = z.infer<typeof headerSchema>;
export type ShardKind = ShardHeader['kind'];

const MAGIC = Buffer.from('PWSHARD1');
const HASH_BYTES = 32;

/** Magic, length of the header, header as JSON, body, SHA-256 of all before. */
export function encodeShard({ header, body }: Shard): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const content = Buffer.concat([MAGIC, length, json, body]);
  return Buffer.concat([content, hash(content)]);
}

/** Null where the bytes are not a whole shard. */
export function decodeShard(bytes: Buffer): Shard | null {
  const start = MAGIC.length + 4;
  if (bytes.length < start + HASH_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return null;
  const content = bytes.subarray(0, bytes.length - HASH_BYTES);
  if (!hash(content).equals(bytes.subarray(content.length))) return null;
  const bodyAt = start + bytes.readUInt32LE(MAGIC.length);
  try {
    const header = headerSchema.parse(JSON.parse(content.toString('utf8', start, bodyAt)));
    // A copy, because typed arrays want their first byte aligned.
    return { header, body: Uint8Array.from(content.subarray(bodyAt)) };
  } catch {
    return null;
  }
}

/** Null where the file is not a whole shard. */
export function readShard(file: string): Shard | null {
  try {
    return decodeShard(readFileSync(file));
  } catch (error) {
    throw explainReading(error, file);
  }
}

/** Written beside, fsynced, renamed: after a crash the shard is there whole, or not at all. @throws PatchwordError DISK_FULL, READ_ONLY */
export function writeShard(file: string, shard: Shard): void {
  const part = `${file}.part`;
  try {
    writeFileSync(part, encodeShard(shard));
    syncPath(part);
    renameSync(part, file);
    syncFolder(path.dirname(file));
  } catch (error) {
    throw explainSystemError(error, file);
  }
}

function hash(content: Buffer): Buffer {
  return createHash('sha256').update(content).digest();
}
