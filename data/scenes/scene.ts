import { COLOUR_NAMES, type Art, type Colour } from './art.js';
import { canvasOf, type Canvas } from './aspects.js';
import { drawSetting, pickSetting, type Setting, type SettingOptions } from './backgrounds.js';
import { writeCaptions, type Caption } from './captions.js';
import { FRAMES, type Frame } from './frames.js';
import { LAYOUTS, type Box, type Layout } from './layouts.js';
import { areAlike, namesOf } from './names.js';
import { isHeldOut, OBJECTS, type SceneObject } from './objects.js';
import { CANVAS } from './paint.js';
import type { Random } from './random.js';
import { OUTLINED_STYLES, type Style } from './styles.js';
import { pickVariation } from './variation.js';

/**
 * Which pairs of objects may be in one picture: 'train' leaves out a tenth of all pairs, 'held-out' draws two objects
 * that are such a pair, 'any' does not look.
 */
export const PAIRS = ['train', 'held-out', 'any'] as const;
export type Pairs = (typeof PAIRS)[number];

export interface Scene {
  svg: string;
  captions: Caption[];
  style: Style;
  layout: Layout;
  setting: Setting;
  frame: Frame | null;
  /** In the layout's order: from the left, from the top, the big or near one or the one in the middle or the frame first. */
  objects: DrawnObject[];
}

export interface DrawnObject {
  object: SceneObject;
  /** null unless tinted. */
  colour: Colour | null;
  boxes: Box[];
}

export interface SceneOptions extends SettingOptions {
  /** One style is picked for the whole scene. */
  art: readonly Art[];
  pairs: Pairs;
  /** The picture's sides in pixels. */
  pixels: Canvas;
  layouts: readonly Layout[];
  /** Percent of the objects whose art is varied, each of several in its own way. */
  varied: number;
  /** The first two objects in each other's place: the twin of the scene that the same chance makes otherwise. */
  exchanged?: boolean;
  random: Random;
}

/** Share of tinted ones among the objects that may be tinted. */
const TINTED = 0.38;
/** Degrees, either way. */
const LARGEST_ROTATION = 8;

const DARK_INK = '#24262c';
const LIGHT_INK = '#f5f1e6';

/** The layouts that `pairs` can be shown in. */
export function layoutsFor(pairs: Pairs): readonly Layout[] {
  return pairs === 'held-out' ? LAYOUTS.filter((layout) => layout.objects === 2) : LAYOUTS;
}

/** Invents one scene: what is in it and where, its picture and its captions. All chance comes from `random`. */
export function composeScene(options: SceneOptions): Scene {
  const { art, pairs, pixels, layouts, varied, exchanged = false, random } = options;
  const layout = random.pick(layouts, ({ share }) => share);
  const style = random.pick(artFor(layout, art));
  const boxes = layout
    .place(random)
    .map((ones) => ones.map((one) => (layout.opaque ? drawnTogether(one, pixels) : one)));
  const picked = pickObjects({ layout, pairs, art: style, random }).map((object) => ({
    object,
    colour: object.tintable && random.chance(TINTED) ? random.pick(COLOUR_NAMES) : null,
  }));
  if (exchanged) picked.splice(0, 2, ...picked.slice(0, 2).reverse());
  const objects = picked.map((one, i) => ({ ...one, boxes: boxes[i] ?? [] }));
  const setting = pickSetting(
    random,
    {
      colours: objects.map(({ colour }) => colour),
      names: objects.flatMap(({ object }) => namesOf(object).map(({ text }) => text)),
    },
    options,
  );
  const frame = layout.framed === true ? random.pick(FRAMES) : null;
  const things = objects.map(({ object, colour, boxes }) => ({ object, colour, count: boxes.length }));
  return {
    svg: draw({ objects, setting, frame, art: style, pixels, varied, random }),
    captions: writeCaptions({ layout: layout.name, things, setting, frame }, random),
    style: style.style,
    layout,
    setting,
    frame,
    objects,
  };
}

/** What has to overlap is laid out in the square in the middle. */
function drawnTogether({ x, y, size }: Box, { width, height }: Canvas): Box {
  const shorter = Math.min(width, height);
  const inner = (value: number, side: number) => Number((0.5 + ((value - 0.5) * shorter) / side).toFixed(3));
  return { x: inner(x, width), y: inner(y, height), size };
}

function artFor(layout: Layout, art: readonly Art[]): readonly Art[] {
  if (layout.opaque !== true) return art;
  const opaque = art.filter(({ style }) => !OUTLINED_STYLES.includes(style));
  return opaque.length > 0 ? opaque : art;
}

/** Objects that the style has, drawn again until every two of them can be told apart and may be together. */
function pickObjects(options: { layout: Layout; pairs: Pairs; art: Art; random: Random }): SceneObject[] {
  const { layout, pairs, art, random } = options;
  const suitable = OBJECTS.filter((object) => layout.suits(object) && art.has(object));
  const allowed = (a: SceneObject, b: SceneObject) =>
    !areAlike(a, b) && (pairs === 'any' || isHeldOut(a, b) === (pairs === 'held-out'));
  for (;;) {
    const picked = Array.from({ length: layout.objects }, () => random.pick(suitable));
    if (picked.every((a, i) => picked.slice(i + 1).every((b) => allowed(a, b)))) return picked;
  }
}

interface Drawing {
  objects: readonly DrawnObject[];
  setting: Setting;
  frame: Frame | null;
  art: Art;
  pixels: Canvas;
  varied: number;
  random: Random;
}

/** From the back: landscape, the back of the frame, the objects from the last to the first, the frame, weather. */
function draw({ objects, setting, frame, art, pixels, varied, random }: Drawing): string {
  const canvas = canvasOf(pixels);
  const { behind, front } = drawSetting(setting, random);
  const sprites = objects.map(({ object, colour, boxes }, i) =>
    boxes.map((box, j) =>
      art.sprite(object, {
        id: `s${i}-${j}`,
        x: box.x * canvas.width,
        y: box.y * canvas.height,
        size: box.size * CANVAS,
        rotation: random.between(-LARGEST_ROTATION, LARGEST_ROTATION),
        mirrored: object.mirrorable && random.chance(0.5),
        colour,
        ink: setting.dark && !(frame !== null && i === 0) ? LIGHT_INK : DARK_INK, // in a frame it has paper behind it
        variation: varied > 0 && random.chance(varied / 100) ? pickVariation(random, art.style) : null,
      }),
    ),
  );
  const framed = objects[0]?.boxes[0];
  if (frame !== null && framed !== undefined) {
    sprites[0] = [frame.behind(framed, canvas), ...(sprites[0] ?? []), frame.front(framed, canvas)];
  }
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ' +
    `width="${pixels.width}" height="${pixels.height}" viewBox="0 0 ${canvas.width} ${canvas.height}">` +
    `${stretched(behind, canvas)}${sprites.reverse().flat().join('')}${stretched(front, canvas)}</svg>`
  );
}

/** Parts drawn on a square of 100 by 100, over the whole canvas. */
function stretched(parts: string, { width, height }: Canvas): string {
  if (parts === '' || width === height) return parts;
  return `<g transform="scale(${width / CANVAS} ${height / CANVAS})">${parts}</g>`;
}
