import { readIcons, type Icon } from './icons.js';
import { OBJECTS, type SceneObject } from './objects.js';
import { renderAlpha } from './picture.js';
import type { Style } from './styles.js';
import { bend, variationFilter, type Variation } from './variation.js';

/** Red, green and blue of tinted art where it is light, 0 to 1. */
export const COLOURS = {
  red: [0.95, 0.12, 0.12],
  orange: [1, 0.55, 0.05],
  yellow: [1, 0.9, 0.1],
  green: [0.15, 0.75, 0.2],
  blue: [0.15, 0.35, 1],
  purple: [0.6, 0.2, 0.85],
  pink: [1, 0.45, 0.75],
} as const;
export type Colour = keyof typeof COLOURS;
export const COLOUR_NAMES = Object.keys(COLOURS) as Colour[];

/** Art in one style. */
export interface Art {
  style: Style;
  /** Whether the style has the object. */
  has(object: SceneObject): boolean;
  sprite(object: SceneObject, placement: SpritePlacement): string;
}

export interface SpritePlacement {
  /** Unique within a picture: the art's own ids are prefixed with it. */
  id: string;
  /** Centre, and the longer side, on the canvas. */
  x: number;
  y: number;
  size: number;
  /** Degrees, clockwise. */
  rotation: number;
  mirrored: boolean;
  /** null leaves the art's own colours. */
  colour: Colour | null;
  /** What art without colours is drawn in. */
  ink: string;
  /** null leaves the art as it is. */
  variation: Variation | null;
}

/** Ink that a tint takes the place of. */
const WHITE = '#fff';

const loaded = new Map<Style, Promise<Art>>();

/** Loads a style once: measuring how dark its icons are takes half a second. */
export function loadArt(style: Style): Promise<Art> {
  const art = loaded.get(style) ?? readArt(style);
  loaded.set(style, art);
  return art;
}

async function readArt(style: Style): Promise<Art> {
  const find = readIcons(style);
  const load = async (object: SceneObject) => {
    const icon = find(object);
    return icon === null ? [] : [[object.noun, { icon, gain: object.tintable ? await tintGain(icon) : 1 }] as const];
  };
  const art = new Map((await Promise.all(OBJECTS.map(load))).flat());
  return {
    style,
    has: (object) => art.has(object.noun),
    sprite: (object, placement) => {
      const entry = art.get(object.noun);
      if (entry === undefined) throw new RangeError(`${style} has no art of "${object.noun}".`);
      return drawSprite(entry.icon, entry.gain, placement);
    },
  };
}

function drawSprite(icon: Icon, gain: number, placement: SpritePlacement): string {
  const { id, x, y, size, rotation, mirrored, colour, ink, variation } = placement;
  const scale = size / Math.max(icon.width, icon.height);
  const turn =
    `translate(${round(x)} ${round(y)}) rotate(${round(rotation)})` +
    (variation === null ? '' : ` ${bend(variation)}`) +
    ` scale(${round(mirrored ? -scale : scale)} ${round(scale)})`;
  const paint = icon.body.includes('currentColor') ? ` color="${colour === null ? ink : WHITE}"` : '';
  const sprite = `<g${paint} transform="${turn} translate(${-icon.width / 2} ${-icon.height / 2})">${clip(icon, prefixIds(icon.body, id))}</g>`;
  const varied =
    variation === null ? sprite : filtered(sprite, `${id}-vary`, (name) => variationFilter(name, size, variation));
  return colour === null ? varied : filtered(varied, `${id}-tint`, (name) => tintFilter(name, colour, gain));
}

const filtered = (svg: string, id: string, filter: (id: string) => string) =>
  `${filter(id)}<g filter="url(#${id})">${svg}</g>`;

/** An inner <svg> clips to the view box: some icons carry stray copies of their art outside. */
const clip = ({ width, height }: Icon, body: string) =>
  `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${body}</svg>`;

function prefixIds(body: string, prefix: string): string {
  return body
    .replace(/\bid="([^"]+)"/g, `id="${prefix}-$1"`)
    .replace(/url\(#([^)]+)\)/g, `url(#${prefix}-$1)`)
    .replace(/href="#([^"]+)"/g, `href="#${prefix}-$1"`);
}

/** Of red, green and blue in the lightness that a tint scales its colour by. */
const LIGHTNESS = [0.35, 0.55, 0.2] as const;
/** Share of the colour that is left where the art is black, so that outlines belong to it. */
const TINT_FLOOR = 0.12;
/** Mean share of the colour in a tinted picture, at least: far below it yellow is olive and orange brown. */
const TINT_MEAN = 0.85;
const TINT_GAIN = 1.1;

/** First lightness, at most 1, then its product with the colour. */
function tintFilter(id: string, colour: Colour, gain: number): string {
  const lightness = [...LIGHTNESS.map((weight) => round(weight * gain)), 0, TINT_FLOOR].join(' ');
  const [red, green, blue] = COLOURS[colour];
  return (
    `<filter id="${id}" color-interpolation-filters="sRGB">` +
    `<feColorMatrix values="${lightness} ${lightness} ${lightness} 0 0 0 1 0"/>` +
    `<feColorMatrix values="${red} 0 0 0 0 0 ${green} 0 0 0 0 0 ${blue} 0 0 0 0 0 1 0"/></filter>`
  );
}

const MEASURED_SIDE = 24;

/** What lightness is multiplied by: more for dark art. */
async function tintGain(icon: Icon): Promise<number> {
  const pixels = await renderAlpha(
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ' +
      `width="${MEASURED_SIDE}" height="${MEASURED_SIDE}" viewBox="0 0 ${icon.width} ${icon.height}" color="${WHITE}">${icon.body}</svg>`,
  );
  let [lightness, covered] = [0, 0];
  for (let i = 0; i < pixels.length; i += 4) {
    const alpha = pixels[i + 3] ?? 0;
    covered += alpha;
    LIGHTNESS.forEach((weight, c) => (lightness += (weight * alpha * (pixels[i + c] ?? 0)) / 255));
  }
  return Math.max(TINT_GAIN, round(((TINT_MEAN - TINT_FLOOR) * covered) / lightness));
}

const round = (value: number) => Number(value.toFixed(4));
