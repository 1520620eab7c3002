import { CAPTIONS_PER_PICTURE } from './captions.js';
import type { Scene } from './scene.js';

/**
 * One image of a captioned dataset in Karpathy's layout (dataset_flickr30k.json of "Deep Visual-Semantic Alignments for
 * Generating Image Descriptions", Karpathy and Li, CVPR 2015; `filepath` as in dataset_coco.json), and below
 * `sentences` what is known of a drawn scene.
 */
export interface KarpathyImage {
  imgid: number;
  /** Folder below the one of dataset.json. Without it and without a file, the picture is row `imgid` of the raw pixels. */
  filepath?: string;
  filename: string;
  split: string;
  sentids: number[];
  sentences: { raw: string; tokens: string[]; sentid: number; imgid: number }[];
  style: string;
  layout: string;
  background: string;
  objects: {
    noun: string;
    /** What captions call several of it; null where they never do. */
    plural: string | null;
    /** null leaves the art's own colours. */
    colour: string | null;
    /** Centre x, centre y and side of the square around each, as fractions of the picture's side. */
    boxes: [number, number, number][];
  }[];
}

export function toKarpathy(scene: Scene, options: { index: number; split: string; filepath?: string }): KarpathyImage {
  const { index, split, filepath } = options;
  const sentids = scene.captions.map((_, i) => index * CAPTIONS_PER_PICTURE + i);
  return {
    imgid: index,
    ...(filepath === undefined ? {} : { filepath }),
    filename: filenameOf(index),
    split,
    sentids,
    sentences: scene.captions.map((raw, i) => ({
      raw,
      tokens: tokensOf(raw),
      sentid: sentids[i] ?? 0,
      imgid: index,
    })),
    style: scene.style,
    layout: scene.layout,
    background: scene.background,
    objects: scene.objects.map(({ object, colour, boxes }) => ({
      noun: object.noun,
      plural: object.plural,
      colour,
      boxes: boxes.map(({ x, y, size }) => [x, y, size]),
    })),
  };
}

export const filenameOf = (index: number) => `scene-${String(index).padStart(6, '0')}.jpg`;

/** The words of a caption as Karpathy's files have them: lower case, punctuation left out. */
export function tokensOf(caption: string): string[] {
  return caption
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s]/gu, '')
    .split(/\s+/)
    .filter(Boolean);
}
