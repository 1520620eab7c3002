import { copyFileSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isSkipped, type SkippedImage, type SourceImage, type SourceOptions } from '../../../indexer/readers/reader.js';
import { openSource } from '../../../indexer/readers/source.js';
import { fixture, temporaryFolder } from '../../fixture.js';
import { collect } from '../collect.js';

export const PICTURE = fixture('readers', 'folder', 'fox.jpg');

/** What files are made of: a picture for null, bytes and texts as they are, anything else as JSON. */
export type Files = Record<string, unknown>;

/** Makes folders of their own, removed when the surrounding suite ends. Call it inside `describe`. */
export function sourceFolders(): (files: Files) => string {
  const temporary = temporaryFolder();
  let count = 0;
  return (files) => {
    const root = path.join(realpathSync(temporary.path), String((count += 1)));
    mkdirSync(root);
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(root, name);
      mkdirSync(path.dirname(file), { recursive: true });
      if (content === null) copyFileSync(PICTURE, file);
      else writeFileSync(file, isWritten(content) ? content : JSON.stringify(content));
    }
    return root;
  };
}

function isWritten(content: unknown): content is string | Uint8Array {
  return typeof content === 'string' || content instanceof Uint8Array;
}

export async function readAll(source: string, options: SourceOptions = {}): Promise<(SourceImage | SkippedImage)[]> {
  const reader = await openSource({ source, ...options });
  const entries = await collect(reader.entries());
  if (reader.total !== null && reader.total !== entries.length) {
    throw new Error(`A total of ${reader.total} was said, and ${entries.length} entries came.`);
  }
  return entries;
}

/** The images of a source, in short, and what was skipped as "FILE: REASON". */
export async function readShort(
  source: string,
  options: SourceOptions = {},
): Promise<{ images: [string, string[], string | null][]; skipped: string[] }> {
  const entries = await readAll(source, options);
  return {
    images: entries.flatMap((entry) => (isSkipped(entry) ? [] : [[entry.name, entry.captions, entry.split]])),
    skipped: entries.flatMap((entry) => (isSkipped(entry) ? [`${entry.file}: ${entry.reason}`] : [])),
  };
}

/** How a file that was refused whole is named, and what is said. */
export function refusal(message: RegExp): { code: string; message: RegExp } {
  return { code: 'SOURCE_INVALID', message };
}
