import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { open, writeFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { explainSystemError, PatchwordError } from '../../src/errors.js';
import { loadArt, type Art } from './art.js';
import { filenameOf, toKarpathy } from './karpathy.js';
import { checkOptions, DATASET_DEFAULTS, type DatasetOptions, type Settings } from './options.js';
import { renderJpeg, renderPixels } from './picture.js';
import { Random } from './random.js';
import { composeScene, type Scene } from './scene.js';

const IMAGES = 'images';
const PIXELS = 'images.bin';
const INDEX = 'dataset.json';
/** Pictures rendered at once: as many as libuv has threads. */
const CONCURRENCY = 4;

/**
 * Draws `count` scenes and writes them with dataset.json in Karpathy's layout. The same options give the same bytes of
 * dataset.json; it appears last, so a folder that has one is complete.
 *
 * @throws PatchwordError INVALID_ARGUMENT for options out of range or a folder that already holds a dataset
 */
export async function writeDataset(options: DatasetOptions): Promise<void> {
  const settings = { ...DATASET_DEFAULTS, ...options };
  checkOptions(settings);
  checkEmpty(settings.output);
  try {
    await write(settings);
  } catch (error) {
    throw explainSystemError(error, settings.output);
  }
}

async function write(settings: Settings): Promise<void> {
  const { output, count, size, seed, styles, pairs, split, format } = settings;
  const art = await Promise.all(styles.map(loadArt));
  mkdirSync(format === 'jpeg' ? path.join(output, IMAGES) : output, { recursive: true });
  const partial = path.join(output, `${INDEX}.partial`);
  const index = openSync(partial, 'w');
  const pixels = format === 'raw' ? await open(path.join(output, PIXELS), 'w') : null;
  try {
    const drawn = { size, seed, styles, pairs, format };
    appendFileSync(index, `{"dataset":"scenes","drawn":${JSON.stringify(drawn)},"images":[\n`);
    const scenes = composeScenes(settings, art, (scene, i) => {
      const image = toKarpathy(scene, { index: i, split, ...(pixels === null ? { filepath: IMAGES } : {}) });
      appendFileSync(index, JSON.stringify(image) + (i < count - 1 ? ',\n' : '\n'));
    });
    // The workers share one generator, so scenes are composed in order; a failure in one ends it for all.
    const work = async () => {
      for (const { scene, i } of scenes) await savePicture(scene, i, settings, pixels);
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    appendFileSync(index, ']}\n');
  } finally {
    closeSync(index);
    await pixels?.close();
  }
  renameSync(partial, path.join(output, INDEX));
}

function* composeScenes(settings: Settings, art: readonly Art[], onScene: (scene: Scene, i: number) => void) {
  const { count, size, seed, pairs, onProgress } = settings;
  const random = new Random(seed);
  for (let i = 0; i < count; i++) {
    const scene = composeScene({ art, pairs, size, random });
    onScene(scene, i);
    yield { scene, i };
    onProgress?.(i + 1);
  }
}

async function savePicture(scene: Scene, i: number, settings: Settings, pixels: FileHandle | null): Promise<void> {
  if (pixels === null) {
    await writeFile(path.join(settings.output, IMAGES, filenameOf(i)), await renderJpeg(scene.svg));
    return;
  }
  const data = await renderPixels(scene.svg);
  await pixels.write(data, 0, data.length, i * data.length);
}

function checkEmpty(output: string): void {
  if (statSync(output, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new PatchwordError('INVALID_ARGUMENT', `${output} is not a folder: choose another output.`);
  }
  const there = [INDEX, IMAGES, PIXELS].find((name) => existsSync(path.join(output, name)));
  if (there === undefined) return;
  throw new PatchwordError(
    'INVALID_ARGUMENT',
    `${output} already holds ${there}: remove it, or choose another output.`,
  );
}
