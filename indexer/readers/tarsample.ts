import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { explainReading, messageOf } from '../../src/errors.js';
import { IMAGE_EXTENSIONS } from './folder.js';
import { LABEL_EXTENSIONS, MAX_LABEL_BYTES, readLabels } from './labels.js';
import type { SkippedImage, SourceImage } from './reader.js';
import { readMembers, type TarMember } from './tar.js';

/** The most members of one archive: where they are is held in memory. */
const MAX_MEMBERS = 1_000_000;

const MAX_NAME_LENGTH = 1000;

/** Members whose names agree up to the first dot, by what follows it: "jpg", "txt". */
type Sample = Map<string, TarMember>;

/** The captioned pictures of one tar archive, in the order in which their samples begin. */
export async function* readSamples(root: string, shard: string): AsyncGenerator<SourceImage | SkippedImage> {
  const file = path.join(root, shard);
  const samples = new Map<string, Sample>();
  let handle: FileHandle | undefined;
  try {
    handle = await open(file);
    yield* collect({ file, shard, samples });
    for (const [key, sample] of samples) {
      const entry = await readSample(handle, { shard, key, sample });
      if (entry !== null) yield entry;
    }
  } catch (error) {
    yield { file: shard, reason: messageOf(explainReading(error, file)) };
  } finally {
    await handle?.close();
  }
}

/** Sorts members into samples. Yields what is of no use. */
async function* collect(options: {
  file: string;
  shard: string;
  samples: Map<string, Sample>;
}): AsyncGenerator<SkippedImage, void> {
  const { file, shard, samples } = options;
  const members = readMembers(file);
  let last = '';
  for (let count = 0; ; count++) {
    const { value, done } = await members.next();
    if (done) {
      if (value === null) return;
      const reason = `${value.reason}; what comes before is read`;
      yield { file: `${shard}@${value.offset}`, reason, within: shard };
      const key = value.member === undefined ? last : splitName(plainName(value.member)).key;
      return yield* takeOut(samples, { shard, key });
    }
    if (count >= MAX_MEMBERS) {
      await members.return(null);
      yield {
        file: `${shard}@${value.offset}`,
        reason: `only ${MAX_MEMBERS} members of an archive are read; split it`,
        within: shard,
      };
      return yield* takeOut(samples, { shard, key: last });
    }
    const member = { ...value, name: plainName(value.name) };
    const { key, extension } = splitName(member.name);
    last = key;
    if (member.kind === 'folder' || !(isPicture(extension) || LABEL_EXTENSIONS.includes(extension))) continue;
    const sample = samples.get(key);
    const reason = sample?.has(extension) ? 'it is there a second time' : reasonAgainst(member);
    if (reason !== null) {
      yield { file: `${shard}@${member.offset}`, reason: `${member.name.slice(0, MAX_NAME_LENGTH)}: ${reason}` };
    } else if (sample) sample.set(extension, member);
    else samples.set(key, new Map([[extension, member]]));
  }
}

/** The sample at which an archive ends before its time may lack captions: it is left as it was. */
function* takeOut(
  samples: Map<string, Sample>,
  { shard, key }: { shard: string; key: string },
): Generator<SkippedImage, void> {
  const picture = choosePicture(samples.get(key) ?? new Map<string, TarMember>());
  samples.delete(key);
  if (picture)
    yield { file: `${shard}/${picture.name}`, reason: 'what belongs to it may be missing: the archive ends there' };
}

function plainName(name: string): string {
  return name.replace(/^(?:\.\/+)+/, '');
}

/** WebDataset's rule: up to the first dot of the base name. A name that begins with a dot is hidden. */
function splitName(name: string): { key: string; extension: string } {
  const base = name.lastIndexOf('/') + 1;
  const dot = name.indexOf('.', base);
  return dot <= base
    ? { key: name, extension: '' }
    : { key: name.slice(0, dot), extension: name.slice(dot + 1).toLowerCase() };
}

function isPicture(extension: string): boolean {
  return IMAGE_EXTENSIONS.some((image) => `.${extension}`.endsWith(image));
}

function reasonAgainst({ name, kind }: TarMember): string | null {
  if (kind !== 'file') return `it is a ${kind}; expected a plain file`;
  if (name.length > MAX_NAME_LENGTH)
    return `its name has ${name.length} characters; at most ${MAX_NAME_LENGTH} are read`;
  if (name.includes('\0')) return 'its name has a NUL';
  return name.startsWith('/') || name.split('/').includes('..') ? 'its path leaves the archive' : null;
}

async function readSample(
  handle: FileHandle,
  { shard, key, sample }: { shard: string; key: string; sample: Sample },
): Promise<SourceImage | SkippedImage | null> {
  const picture = choosePicture(sample);
  if (!picture) {
    return { file: `${shard}/${key}`, reason: `there is no picture with its ${[...sample.keys()].join(', ')}` };
  }
  const name = `${shard}/${picture.name}`;
  const parts = [];
  for (const extension of LABEL_EXTENSIONS) {
    const member = sample.get(extension);
    if (!member) continue;
    if (member.bytes > MAX_LABEL_BYTES) {
      const reason = `${member.name} has ${member.bytes} bytes; caption files of up to ${MAX_LABEL_BYTES} are read`;
      return { file: name, reason };
    }
    parts.push({ name: member.name, extension, bytes: await readContent(handle, member) });
  }
  const labels = readLabels(parts);
  if ('reason' in labels) return { file: name, reason: labels.reason };
  const { offset, bytes } = picture;
  return { name, location: { file: shard, offset, bytes }, ...labels };
}

/** `jpg` before `png`, and both before what has more before it, as `mask.png`. */
function choosePicture(sample: Sample): TarMember | undefined {
  const plain = IMAGE_EXTENSIONS.map((extension) => sample.get(extension.slice(1))).find((member) => member);
  return plain ?? [...sample].find(([extension]) => isPicture(extension))?.[1];
}

async function readContent(handle: FileHandle, { offset, bytes }: TarMember): Promise<Uint8Array> {
  const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(bytes), position: offset });
  return buffer.subarray(0, bytesRead);
}
