import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { open, writeFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { explainSystemError, PatchwordError } from '../../src/errors.js';
import { loadArt, type Art } from './art.js';
import { pixelsOf, type Canvas } from './aspects.js';
import { filenameOf, toKarpathy } from './karpathy.js';
import { checkOptions, DATASET_DEFAULTS, splitOf, type DatasetOptions, type Settings } from './options.js';
import { renderJpeg, renderPixels } from './picture.js';
import { Random } from './random.js';
import { composeScene, layoutsFor, type Scene } from './scene.js';

const IMAGES = 'images';
const PIXELS = 'images.bin';
const INDEX = 'dataset.json';
/** Options that dataset.json repeats, in its order. */
const DRAWN: readonly (keyof Settings)[] = [
  'count',
  'size',
  'aspects',
  'seed',
  'styles',
  'layouts',
  'pairs',
  'backgrounds',
  'weather',
  'varied',
  'twins',
  'splits',
  'format',
];
/** Of a layout that is drawn only where it is asked for. */
const ASKED_SHARE = 0.1;
/** Pictures rendered at once: as many as libuv has threads. */
const CONCURRENCY = 4;

/**
 * Draws `count` scenes and writes them with dataset.json in Karpathy's layout. The same options give the same bytes of
 * dataset.json; it appears last, so a folder that has one is complete.
 *
 * @throws PatchwordError INVALID_ARGUMENT for options out of range or a folder that already holds a dataset
 */
export async function writeDataset(options: DatasetOptions): Promise<void> {
  const given = { ...DATASET_DEFAULTS, ...options };
  const shared = layoutsFor(given.pairs).filter(({ share }) => share > 0);
  const settings = { ...given, layouts: given.layouts ?? shared.map(({ name }) => name) };
  checkOptions(settings);
  checkEmpty(settings.output);
  try {
    await write(settings);
  } catch (error) {
    throw explainSystemError(error, settings.output);
  }
}

async function write(settings: Settings): Promise<void> {
  const { output, count, styles, format } = settings;
  const drawn = Object.fromEntries(DRAWN.map((name) => [name, settings[name]]));
  const art = await Promise.all(styles.map(loadArt));
  mkdirSync(format === 'jpeg' ? path.join(output, IMAGES) : output, { recursive: true });
  const partial = path.join(output, `${INDEX}.partial`);
  const index = openSync(partial, 'w');
  const pixels = format === 'raw' ? await open(path.join(output, PIXELS), 'w') : null;
  try {
    appendFileSync(index, `{"dataset":"scenes","drawn":${JSON.stringify(drawn)},"images":[\n`);
    const pictures = composePictures(settings, art, (picture, i) => {
      const lies = pixels === null ? { filepath: IMAGES } : { offset: picture.offset };
      const image = toKarpathy(picture.scene, { index: i, split: splitOf(i, settings), ...picture.sides, ...lies });
      appendFileSync(index, JSON.stringify(image) + (i < count - 1 ? ',\n' : '\n'));
    });
    // The workers share one generator, so scenes are composed in order; a failure in one ends it for all.
    const work = async () => {
      for (const { picture, i } of pictures) await savePicture(picture, i, settings, pixels);
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    appendFileSync(index, ']}\n');
  } finally {
    closeSync(index);
    await pixels?.close();
  }
  renameSync(partial, path.join(output, INDEX));
}

interface Picture {
  scene: Scene;
  /** In pixels. */
  sides: Canvas;
  /** Of its first byte among all raw pictures. */
  offset: number;
}

function* composePictures(settings: Settings, art: readonly Art[], onPicture: (picture: Picture, i: number) => void) {
  const { count, size, aspects, seed, pairs, backgrounds, weather, varied, twins, onProgress } = settings;
  const layouts = layoutsFor(pairs)
    .filter(({ name }) => settings.layouts.includes(name))
    .map((layout) => ({ ...layout, share: layout.share || ASKED_SHARE }));
  let offset = 0;
  let exchanged = false; // the picture is the twin of the one before
  for (let i = 0; i < count; i++) {
    const random = Random.ofPicture(seed, exchanged ? i - 1 : i);
    const sides = pixelsOf(random.pick(aspects), size);
    const scene = composeScene({ art, pairs, pixels: sides, layouts, backgrounds, weather, varied, exchanged, random });
    exchanged = twins && !exchanged && scene.layout.relation !== null;
    const picture = { scene, sides, offset };
    offset += sides.width * sides.height * 3;
    onPicture(picture, i);
    yield { picture, i };
    onProgress?.(i + 1);
  }
}

async function savePicture(picture: Picture, i: number, settings: Settings, pixels: FileHandle | null): Promise<void> {
  const { scene, offset } = picture;
  if (pixels === null) {
    await writeFile(path.join(settings.output, IMAGES, filenameOf(i)), await renderJpeg(scene.svg));
    return;
  }
  const data = await renderPixels(scene.svg);
  await pixels.write(data, 0, data.length, offset);
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
