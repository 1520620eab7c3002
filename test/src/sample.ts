import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ingest } from '../../indexer/ingestion.js';
import { openEngine, type Engine } from '../../src/engine.js';
import type { Inference, Pair } from '../../src/inference/inference.js';
import { BUNDLED_SAMPLE } from '../../src/paths.js';
import { temporaryFolder } from '../fixture.js';

interface SampleObject {
  noun: string;
  /** Centre's x and y, width and height of each box, as fractions of the picture's sides. */
  boxes: [number, number, number, number][];
}

export interface SamplePicture {
  file: string;
  captions: string[];
  objects: SampleObject[];
}

interface Dataset {
  images: { filepath: string; filename: string; sentences: { raw: string }[]; objects: SampleObject[] }[];
}

/** The bundled sample's pictures, in order. */
export function readSample(): SamplePicture[] {
  const { images } = JSON.parse(readFileSync(BUNDLED_SAMPLE, 'utf8')) as Dataset;
  return images.map(({ filepath, filename, sentences, objects }) => ({
    file: path.join(path.dirname(BUNDLED_SAMPLE), filepath, filename),
    captions: sentences.map(({ raw }) => raw),
    objects,
  }));
}

/** Pictures in the collection below: those at the beginning of the sample. */
export const PICTURES = 24;

/**
 * Indexes the first pictures of the sample with the bundled model, from copies in `folder`/source into the collection
 * "small" of `folder`/data. Open ever after; its ids are 1, 2, 3, … in the sample's order.
 */
export async function indexSample(folder: string): Promise<Engine> {
  const source = path.join(folder, 'source');
  mkdirSync(source, { recursive: true });
  for (const { file, captions } of readSample().slice(0, PICTURES)) {
    copyFileSync(file, path.join(source, path.basename(file)));
    writeFileSync(path.join(source, `${path.parse(file).name}.txt`), captions.join('\n'));
  }
  const engine = await openEngine({ collection: 'small', data: path.join(folder, 'data'), create: true });
  await ingest({ engine, source });
  return engine;
}

/** The collection that `indexSample` makes, open for the tests of a suite. Call it inside `describe`. */
export function sampleCollection(): { folder: { path: string }; engine: Engine } {
  const small = { folder: temporaryFolder(), engine: null as unknown as Engine };
  before(async () => void (small.engine = await indexSample(small.folder.path)));
  after(() => small.engine?.close());
  return small;
}

/** The same inference, with a record of how many pairs it was asked to read, call by call. */
export function counting(inference: Inference): { inference: Inference; calls: number[] } {
  const calls: number[] = [];
  const matchScores: Inference['matchScores'] = (pairs: Pair[], options) => {
    calls.push(pairs.length);
    return inference.matchScores(pairs, options);
  };
  return { inference: { ...inference, matchScores }, calls };
}
