import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, PatchwordError } from '../../src/errors.js';
import { cleanCaptions, decodeUtf8, type Reader, type SkippedImage, type SourceImage } from './reader.js';

export const IMAGE_EXTENSIONS = ['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif'] as const;

const MAX_CAPTION_FILE_BYTES = 1_000_000;

/** A picture, and the file of its captions where there is one; both relative to the root. */
interface FoundImage {
  name: string;
  captionFile: string | null;
}

/**
 * A folder of pictures, with those below it. The captions of `fox.jpg` are the lines of `fox.txt` beside it;
 * a picture without is read without. Hidden files, and files of other kinds, are ignored.
 *
 * @throws PatchwordError SOURCE_INVALID where there is no picture at all
 */
export async function readFolder(root: string): Promise<Reader> {
  const found: (FoundImage | SkippedImage)[] = [];
  await walk(root, '', found);
  if (found.length === 0) {
    throw new PatchwordError('SOURCE_INVALID', `${root} holds no pictures (${IMAGE_EXTENSIONS.join(', ')}).`, {
      hint: 'Name a folder of pictures with their captions in text files of the same name, or a Karpathy JSON file.',
    });
  }
  return {
    format: 'folder',
    path: root,
    root,
    total: found.length,
    async *entries() {
      for (const item of found) yield 'reason' in item ? item : await readImage(root, item);
    },
  };
}

async function walk(root: string, folder: string, found: (FoundImage | SkippedImage)[]): Promise<void> {
  let entries;
  try {
    entries = await readdir(path.join(root, folder), { withFileTypes: true });
  } catch (error) {
    found.push({ file: `${folder}/`, reason: messageOf(error) });
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const names = new Set(entries.map((entry) => entry.name));
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      await walk(root, name, found);
    } else if (isImageName(entry.name)) {
      const captions = `${path.parse(entry.name).name}.txt`;
      const captionFile = names.has(captions) ? path.posix.join(folder, captions) : null;
      found.push({ name, captionFile });
    }
  }
}

function isImageName(name: string): boolean {
  return (IMAGE_EXTENSIONS as readonly string[]).includes(path.extname(name).toLowerCase());
}

async function readImage(root: string, { name, captionFile }: FoundImage): Promise<SourceImage | SkippedImage> {
  const lines = captionFile === null ? { lines: [] } : await readLines(root, captionFile);
  if ('reason' in lines) return { file: name, reason: lines.reason };
  const cleaned = cleanCaptions(lines.lines);
  if ('reason' in cleaned) return { file: name, reason: `${captionFile}: ${cleaned.reason}` };
  return { name, location: { file: name }, captions: cleaned.captions, split: null, attributes: {} };
}

async function readLines(root: string, name: string): Promise<{ lines: string[] } | { reason: string }> {
  const file = path.join(root, name);
  try {
    const { size } = await stat(file);
    if (size > MAX_CAPTION_FILE_BYTES) {
      return { reason: `${name} has ${size} bytes; caption files of up to ${MAX_CAPTION_FILE_BYTES} are read` };
    }
    const text = decodeUtf8(await readFile(file));
    return text === null ? { reason: `${name} is not UTF-8 text` } : { lines: text.split(/\r\n|\n|\r/) };
  } catch (error) {
    return { reason: messageOf(error) };
  }
}
