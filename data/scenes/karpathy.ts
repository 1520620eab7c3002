import type { Canvas } from './aspects.js';
import { CAPTIONS_PER_PICTURE } from './captions.js';
import type { LayoutName, Relation } from './layouts.js';
import { namesOf, type Name } from './names.js';
import { tokensOf } from './phrases.js';
import type { DrawnObject, Scene } from './scene.js';

/**
 * One image of a captioned dataset in Karpathy's layout (dataset_flickr30k.json of "Deep Visual-Semantic Alignments for
 * Generating Image Descriptions", Karpathy and Li, CVPR 2015; `filepath` as in dataset_coco.json), and below
 * `sentences` what is known of a drawn scene.
 */
export interface KarpathyImage {
  imgid: number;
  /** Folder below the one of dataset.json; raw pictures have none. */
  filepath?: string;
  filename: string;
  split: string;
  sentids: number[];
  sentences: KarpathySentence[];
  width: number;
  height: number;
  /** Only of a raw picture: its first byte in images.bin. */
  offset?: number;
  style: string;
  layout: LayoutName;
  background: string;
  weather: string | null;
  frame: string | null;
  /** "left/right": the first object is left of the second. null in layouts that have none. */
  relation: Relation | null;
  objects: KarpathyObject[];
}

interface KarpathySentence {
  raw: string;
  tokens: string[];
  sentid: number;
  imgid: number;
  /** Where it tells the relation: the same with the relation exchanged, which is false of the picture. */
  swapped?: string;
}

interface KarpathyObject {
  noun: string;
  /** What captions call several of it; null where they never do. */
  plural: string | null;
  /** Each followed by its plural, where it has one. */
  synonyms: string[];
  hypernyms: string[];
  /** null leaves the art's own colours. */
  colour: string | null;
  /** Centre x, centre y, width and height of the square around each, as fractions of the picture's width and height. */
  boxes: [number, number, number, number][];
}

/** Where a picture lies, and what of it. */
export interface Place extends Canvas {
  index: number;
  split: string;
  filepath?: string;
  offset?: number;
}

export function toKarpathy(scene: Scene, place: Place): KarpathyImage {
  const { index, split, filepath, offset, width, height } = place;
  const sentences = scene.captions.map(({ text, swapped }, i) => ({
    raw: text,
    tokens: tokensOf(text),
    sentid: index * CAPTIONS_PER_PICTURE + i,
    imgid: index,
    ...(swapped === null ? {} : { swapped }),
  }));
  return {
    imgid: index,
    ...(filepath === undefined ? {} : { filepath }),
    filename: filenameOf(index),
    split,
    sentids: sentences.map(({ sentid }) => sentid),
    sentences,
    width,
    height,
    ...(offset === undefined ? {} : { offset }),
    style: scene.style,
    layout: scene.layout.name,
    background: scene.setting.background.name,
    weather: scene.setting.weather?.name ?? null,
    frame: scene.frame?.name ?? null,
    relation: scene.layout.relation,
    objects: scene.objects.map((drawn) => toObject(drawn, place)),
  };
}

function toObject({ object, colour, boxes }: DrawnObject, { width, height }: Canvas): KarpathyObject {
  const names = (wanted: Name['kind']) =>
    namesOf(object)
      .filter(({ kind }) => kind === wanted)
      .flatMap(({ text, plural }) => (plural === null ? [text] : [text, plural]));
  const shorter = Math.min(width, height);
  return {
    noun: object.noun,
    plural: object.plural,
    synonyms: names('synonym'),
    hypernyms: names('hypernym'),
    colour,
    boxes: boxes.map(({ x, y, size }) => [x, y, share((size * shorter) / width), share((size * shorter) / height)]),
  };
}

const share = (value: number) => Number(value.toFixed(3));

export const filenameOf = (index: number) => `scene-${String(index).padStart(6, '0')}.jpg`;
