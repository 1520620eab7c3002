import { readFileSync } from 'node:fs';
import path from 'node:path';
import { BUNDLED_SAMPLE } from '../../src/paths.js';

interface SampleObject {
  noun: string;
  /** Centre's x and y and the side of each square, as fractions of the picture's side. */
  boxes: [number, number, number][];
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
