import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Engine } from '../../src/engine.js';
import type { Inference } from '../../src/inference/inference.js';
import type { StoredFile } from '../../src/store/store.js';
import { picture } from '../hostile.js';

/** Writes pictures that differ by their number, below a folder, each with its captions beside it where it has any. */
export async function writePictures(
  folder: string,
  pictures: Record<string, number | { number: number; captions: string[] }>,
): Promise<void> {
  for (const [name, what] of Object.entries(pictures)) {
    const { number, captions } = typeof what === 'number' ? { number: what, captions: [] } : what;
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, await picture(number));
    if (captions.length > 0) writeFileSync(`${file.slice(0, -path.extname(file).length)}.txt`, captions.join('\n'));
  }
}

/** The files of a source as the catalog has them, by name. */
export async function filesOf(engine: Engine, source: string): Promise<Map<string, StoredFile>> {
  const found = (await engine.store.sources()).find(({ path }) => path === source);
  if (!found) return new Map();
  const files = await engine.store.scanFiles({ sourceId: found.sourceId, after: 0, limit: 1000 });
  return new Map(files.map((file) => [file.file, file]));
}

/** The same engine, with a count of what its model was asked for. */
export function counting(engine: Engine): {
  engine: Engine;
  asked: { prepared: number; images: number; texts: number };
} {
  const { inference } = engine;
  const asked = { prepared: 0, images: 0, texts: 0 };
  const counted: Inference = {
    ...inference,
    prepare: (image, options) => ((asked.prepared += 1), inference.prepare(image, options)),
    embedImages: (images, options) => ((asked.images += images.length), inference.embedImages(images, options)),
    embedTexts: (texts, options) => ((asked.texts += texts.length), inference.embedTexts(texts, options)),
  };
  return { engine: { ...engine, inference: counted }, asked };
}
