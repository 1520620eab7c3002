import { type FileHandle, open } from 'node:fs/promises';
import type { Attributes } from '../src/filter.js';
import { isWithinLimits, recordSize } from '../src/store/limits.js';
import type { StoredImage } from '../src/store/store.js';

/** The folder of the pictures, beside dataset.json. */
export const PICTURES = 'images';

/** The most bytes that an exported name takes from the source's. */
const STEM_BYTES = 80;

/** More bytes than an exported name has, with the folder. */
const NAME_BYTES = 200;

/** What a reader of Karpathy's JSON takes for something else than an attribute. */
const RESERVED = ['filename', 'filepath', 'sentences', 'split', 'attributes'];

/** First bytes in Latin-1, and how such a file is called. */
const EXTENSIONS: readonly [RegExp, string][] = [
  [/^\xff\xd8\xff/, '.jpg'],
  [/^\x89PNG/, '.png'],
  [/^RIFF[^]{4}WEBP/, '.webp'],
  [/^[^]{4}ftyp/, '.avif'],
  [/^GIF8/, '.gif'],
];

/** One image of Karpathy's JSON. */
export interface DatasetEntry {
  filepath: string;
  filename: string;
  split?: string;
  sentences: { raw: string }[];
  [attribute: string]: unknown;
}

/**
 * The captions of an image, as many at a time as a store takes of one file: an image that lies in several files has those of
 * all. Each part is exported as a file of its own, and files of the same bytes are one image again where they are indexed.
 *
 * @param options.dimension length of an embedding: they count, too
 */
export function captionParts(image: StoredImage, { dimension }: { dimension: number }): string[][] {
  const embedding = new Float32Array(dimension);
  const file = ' '.repeat(NAME_BYTES);
  const bare = recordSize({ ...image, file, location: { file }, perceptualHash: null, embedding, captions: [] });
  const parts: string[][] = [[]];
  let size = bare;
  for (const text of image.captions) {
    const bytes = Buffer.byteLength(text) + embedding.byteLength;
    const isFull = !isWithinLimits({ items: size.items + 1, bytes: size.bytes + bytes });
    if (isFull && parts.at(-1)!.length > 0) {
      parts.push([]);
      size = bare;
    }
    parts.at(-1)!.push(text);
    size = { items: size.items + 1, bytes: size.bytes + bytes };
  }
  return parts;
}

/**
 * A name that any file system takes, and that differs from all others also where case or accents do not count: its id is
 * in it, and which part of the image it is. Of what the source calls the image as much is kept as is harmless; the extension
 * is that of the bytes.
 *
 * @param image.part from 1
 */
export function exportedName(
  image: Pick<StoredImage, 'file' | 'imageId'> & { part?: number },
  bytes: Uint8Array,
): string {
  const { file, imageId, part = 1 } = image;
  const base = file
    .split('/')
    .at(-1)!
    .replace(/\.[^.]*$/, '');
  const safe = base
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._-]+/gu, '_')
    .replace(/^[._-]+/, '');
  let stem = '';
  for (const character of safe) {
    if (Buffer.byteLength(stem + character) > STEM_BYTES) break;
    stem += character;
  }
  const head = Buffer.from(bytes.subarray(0, 16)).toString('latin1');
  const extension = EXTENSIONS.find(([signature]) => signature.test(head))?.[1] ?? '.tif';
  // With a dot, which no id has: `fox-7.2` is no other image's name.
  const id = part === 1 ? imageId : `${imageId}.${part}`;
  return `${/[\p{L}\p{N}]/u.test(stem) ? stem : 'image'}-${id}${extension}`;
}

/** What dataset.json says of an image. Attributes are keys of their own, as in COCO's; those whose names are taken are one level down. */
export function exportedEntry({ captions, split, attributes }: StoredImage, filename: string): DatasetEntry {
  const hidden = Object.entries(attributes).filter(([name]) => RESERVED.includes(name));
  const shown = Object.entries(attributes).filter(([name]) => !RESERVED.includes(name));
  const entry = [
    ...Object.entries({ filepath: PICTURES, filename, ...(split !== null && { split }) }),
    ['sentences', captions.map((raw) => ({ raw }))],
    ...(hidden.length > 0 ? [['attributes', Object.fromEntries(hidden) satisfies Attributes]] : []),
    ...shown,
  ] as [string, unknown][];
  // Unlike an assignment, this defines properties: `__proto__` is a name like any other.
  return Object.fromEntries(entry) as DatasetEntry;
}

/** How much of dataset.json waits to be written, in characters. */
const WAITING = 2 ** 16;

/** Writes dataset.json entry by entry. */
export class DatasetWriter {
  private waiting: string;
  private first = true;

  private constructor(
    private readonly handle: FileHandle,
    dataset: string,
  ) {
    this.waiting = `{"dataset":${JSON.stringify(dataset)},"images":[`;
  }

  /** @param file must not be there */
  static async begin(file: string, dataset: string): Promise<DatasetWriter> {
    return new DatasetWriter(await open(file, 'wx'), dataset);
  }

  async add(entry: DatasetEntry): Promise<void> {
    this.waiting += `${this.first ? '' : ','}\n${JSON.stringify(entry)}`;
    this.first = false;
    if (this.waiting.length >= WAITING) await this.write();
  }

  async finish(): Promise<void> {
    this.waiting += '\n]}\n';
    await this.write();
    await this.handle.sync();
    await this.close();
  }

  /** Lets go of the file, whole or not. */
  close(): Promise<void> {
    return this.handle.close();
  }

  private async write(): Promise<void> {
    await this.handle.appendFile(this.waiting);
    this.waiting = '';
  }
}
