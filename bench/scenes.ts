import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { ingest } from '../indexer/ingestion.js';
import { resolveModel } from '../indexer/models.js';
import { openEngine, type Engine } from '../src/engine.js';
import { BUNDLED_MODEL } from '../src/paths.js';
import type { Precision } from '../src/vilt/device.js';
import { prepareImage, type ModelInput } from '../src/vilt/image.js';
import { ViltModel } from '../src/vilt/model.js';

/** What every script that measures a model on scenes may be told, for parseArgs. */
export const SCENE_OPTIONS = {
  model: { type: 'string', default: BUNDLED_MODEL },
  split: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** A picture of a Karpathy JSON, and what data/scenes says of one that it drew. */
export interface ScenePicture {
  filename: string;
  filepath?: string;
  split?: string;
  /** `swapped` is the caption with its relation exchanged, which is false of the picture. */
  sentences: { raw: string; swapped?: string }[];
  relation?: string | null;
  background?: string;
  weather?: string | null;
  /** A box is the centre's x and y and the width and height of what is drawn, as fractions of the picture. */
  objects?: { noun: string; synonyms?: string[]; hypernyms?: string[]; boxes: number[][] }[];
}

/** The pictures of a dataset, or of one split, as far as `suits` takes them, in order, at most so many; ends the process where there is none. */
export function readScenes(
  file: string,
  options: { pictures: number; split?: string; suits?: (picture: ScenePicture) => boolean },
): ScenePicture[] {
  const { pictures, split, suits = () => true } = options;
  if (!existsSync(file)) stop(`${file} does not exist. Give a JSON file of Karpathy's form.`);
  const { images } = JSON.parse(readFileSync(file, 'utf8')) as { images: ScenePicture[] };
  const suitable = images.filter((image) => (split === undefined || image.split === split) && suits(image));
  if (suitable.length === 0) {
    stop(`No picture of ${file}${split === undefined ? '' : `, split "${split}",`} has what is measured here.`);
  }
  return suitable.slice(0, pictures);
}

/** These scripts are named in docs/models.md: who gives them a wrong file is told so in a line. */
function stop(reason: string): never {
  console.error(reason);
  process.exit(2);
}

export async function openModel(model: string, precision: Precision = 'fp32'): Promise<ViltModel> {
  return ViltModel.open({ model: await resolveModel(model), precision, threads: availableParallelism() });
}

/** The pictures as the model sees them, from below the folder of the dataset's file. */
export async function prepareScenes(
  model: ViltModel,
  dataset: string,
  pictures: readonly ScenePicture[],
): Promise<ModelInput[]> {
  const inputs: ModelInput[] = [];
  for (const { filename, filepath } of pictures) {
    const folders = [filepath ?? '', 'images', ''].map((part) => path.join(path.dirname(dataset), part));
    const file = folders.map((folder) => path.join(folder, filename)).find((place) => existsSync(place));
    if (file === undefined) throw new Error(`${filename} is not beside ${dataset}.`);
    inputs.push((await prepareImage(file, model.files.imageConfig)).modelInput);
  }
  return inputs;
}

/** A collection in the folder `data`, of some images of a dataset, whose pictures lie beside its file. */
export async function indexScenes(options: {
  data: string;
  collection: string;
  dataset: string;
  images: readonly object[];
  model: string;
}): Promise<Engine> {
  const { data, collection, dataset, images, model } = options;
  const source = path.join(data, `${collection}.json`);
  writeFileSync(source, JSON.stringify({ images }));
  const engine = await openEngine({ collection, data, create: true, model: await resolveModel(model) });
  await ingest({ engine, source, options: { images: path.dirname(dataset) } });
  return engine;
}

export const percent = (share: number) => (100 * share).toFixed(1);
