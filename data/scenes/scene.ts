import { COLOUR_NAMES, type Art, type Colour } from './art.js';
import { CANVAS, pickBackground } from './backgrounds.js';
import { writeCaptions } from './captions.js';
import type { Style } from './icons.js';
import { LAYOUTS, type Box, type Layout, type LayoutName } from './layouts.js';
import { isHeldOut, OBJECTS, type SceneObject } from './objects.js';
import type { Random } from './random.js';

/**
 * Which pairs of objects may be in one picture: 'train' leaves out a tenth of all pairs, 'held-out' draws two objects
 * that are such a pair, 'any' does not look.
 */
export const PAIRS = ['train', 'held-out', 'any'] as const;
export type Pairs = (typeof PAIRS)[number];

export interface Scene {
  svg: string;
  captions: string[];
  style: Style;
  layout: LayoutName;
  /** Name of the background. */
  background: string;
  /** In the layout's order: from the left, from the top, or the big one first. */
  objects: DrawnObject[];
}

export interface DrawnObject {
  object: SceneObject;
  /** null unless tinted. */
  colour: Colour | null;
  boxes: Box[];
}

export interface SceneOptions {
  /** One style is picked for the whole scene. */
  art: readonly Art[];
  pairs: Pairs;
  /** Side of the picture in pixels. */
  size: number;
  random: Random;
}

/** Share of tinted ones among the objects that may be tinted. */
const TINTED = 0.38;
/** Degrees, either way. */
const LARGEST_ROTATION = 8;

/** Invents one scene: what is in it and where, its picture and its captions. All chance comes from `random`. */
export function composeScene({ art, pairs, size, random }: SceneOptions): Scene {
  const layouts = pairs === 'held-out' ? LAYOUTS.filter((layout) => layout.objects === 2) : LAYOUTS;
  const layout = random.pick(layouts, ({ share }) => share);
  const boxes = layout.place(random);
  const objects = pickObjects(layout, pairs, random).map((object, i) => ({
    object,
    colour: object.tintable && random.chance(TINTED) ? random.pick(COLOUR_NAMES) : null,
    boxes: boxes[i] ?? [],
  }));
  const background = pickBackground(
    random,
    objects.map(({ colour }) => colour),
  );
  const style = random.pick(art);
  return {
    svg: draw({ objects, backdrop: background.draw(random), art: style, size, random }),
    captions: writeCaptions({
      layout: layout.name,
      things: objects.map(({ object, colour, boxes }) => ({ object, colour, count: boxes.length })),
      places: background.places,
      random,
    }),
    style: style.style,
    layout: layout.name,
    background: background.name,
    objects,
  };
}

/** Different objects, drawn again until every two of them may be together. */
function pickObjects(layout: Layout, pairs: Pairs, random: Random): SceneObject[] {
  const suitable = OBJECTS.filter((object) => layout.suits(object));
  const allowed = (a: SceneObject, b: SceneObject) =>
    a !== b && (pairs === 'any' || isHeldOut(a, b) === (pairs === 'held-out'));
  for (;;) {
    const picked = Array.from({ length: layout.objects }, () => random.pick(suitable));
    if (picked.every((a, i) => picked.slice(i + 1).every((b) => allowed(a, b)))) return picked;
  }
}

interface Drawing {
  objects: readonly DrawnObject[];
  backdrop: string;
  art: Art;
  size: number;
  random: Random;
}

function draw({ objects, backdrop, art, size, random }: Drawing): string {
  const sprites = objects.flatMap(({ object, colour, boxes }, i) =>
    boxes.map((box, j) =>
      art.sprite(object, {
        id: `s${i}-${j}`,
        x: box.x * CANVAS,
        y: box.y * CANVAS,
        size: box.size * CANVAS,
        rotation: random.between(-LARGEST_ROTATION, LARGEST_ROTATION),
        mirrored: object.mirrorable && random.chance(0.5),
        colour,
      }),
    ),
  );
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ' +
    `width="${size}" height="${size}" viewBox="0 0 ${CANVAS} ${CANVAS}">` +
    `${backdrop}${sprites.join('')}</svg>`
  );
}
