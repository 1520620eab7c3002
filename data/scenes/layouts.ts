import { CANVAS } from './paint.js';
import type { SceneObject } from './objects.js';
import type { Random } from './random.js';

/**
 * A square around one drawn thing: its centre as fractions of the picture's width and height, its side as a fraction of the
 * shorter one.
 */
export interface Box {
  x: number;
  y: number;
  size: number;
}

/** What holds of the first object and, the other way round, of the second; in a row and between, who is in the middle. */
export const RELATIONS = [
  'left/right',
  'above/below',
  'big/small',
  'in front of/behind',
  'middle/outside',
  'inside/outside',
] as const;
export type Relation = (typeof RELATIONS)[number];

export const LAYOUT_NAMES = [
  'one',
  'many',
  'beside',
  'stacked',
  'sizes',
  'front',
  'row',
  'between',
  'framed',
  'framed-beside',
  'four',
] as const;
export type LayoutName = (typeof LAYOUT_NAMES)[number];

export interface Layout {
  name: LayoutName;
  /** Share of all scenes; one without a share is drawn where it is asked for. */
  share: number;
  /** How many different objects it takes. */
  objects: 1 | 2 | 3 | 4;
  relation: Relation | null;
  /** Whether the first object is in a frame. */
  framed?: boolean;
  /** Whether it takes art that hides what is behind it. */
  opaque?: boolean;
  /** Whether captions can say of this object what the layout shows. */
  suits(object: SceneObject): boolean;
  /** The boxes of each object, in the order in which captions take them; the first object is drawn last. */
  place(random: Random): Box[][];
}

const any = () => true;
const counted = (object: SceneObject) => object.plural !== null;

/** Art so thin or so open that what is behind it is not hidden, or that hides itself behind anything. */
const THIN = new Set(
  `anchor, ant, bow, candle, canoe, flashlight, glasses, hammer, key, lipstick, magnifying glass, pencil,
   pick, ring, saxophone, scissors, snowflake, sunglasses, sword, trident, trumpet, violin, wrench`.split(/,\s*/),
);

export const LAYOUTS: readonly Layout[] = [
  {
    name: 'one',
    share: 0.18,
    objects: 1,
    relation: null,
    suits: any,
    place: (random) => [[box(random, [32, 68], [36, 66], [42, 80])]],
  },
  { name: 'many', share: 0.14, objects: 1, relation: null, suits: counted, place: (random) => [many(random)] },
  {
    name: 'beside',
    share: 0.16,
    objects: 2,
    relation: 'left/right',
    suits: any,
    place: (random) => [[box(random, [22, 30], [42, 62], [36, 44])], [box(random, [70, 78], [42, 62], [36, 44])]],
  },
  {
    name: 'stacked',
    share: 0.1,
    objects: 2,
    relation: 'above/below',
    suits: any,
    place: (random) => [[box(random, [38, 62], [22, 28], [34, 42])], [box(random, [38, 62], [72, 78], [34, 42])]],
  },
  // "A big milk" is not English.
  {
    name: 'sizes',
    share: 0.1,
    objects: 2,
    relation: 'big/small',
    suits: (object) => object.number !== 'mass',
    place: sizes,
  },
  {
    name: 'front',
    share: 0.1,
    objects: 2,
    relation: 'in front of/behind',
    opaque: true,
    suits: (object) => !THIN.has(object.noun),
    place: front,
  },
  {
    name: 'row',
    share: 0.08,
    objects: 3,
    relation: 'middle/outside',
    suits: any,
    place: (random) => [20, 50, 80].map((x) => [inLine(random, x)]),
  },
  {
    name: 'between',
    share: 0.05,
    objects: 2,
    relation: 'middle/outside',
    suits: (object) => object.number === 'countable',
    place: (random) => [[inLine(random, 50)], [inLine(random, 19), inLine(random, 81)]],
  },
  {
    name: 'framed',
    share: 0.05,
    objects: 1,
    relation: null,
    framed: true,
    suits: any,
    place: (random) => [[box(random, [42, 58], [44, 56], [38, 48])]],
  },
  {
    name: 'framed-beside',
    share: 0.04,
    objects: 2,
    relation: 'inside/outside',
    framed: true,
    suits: any,
    place: (random) => {
      const side = random.pick([26, 74]);
      return [
        [box(random, [side - 1, side + 1], [44, 56], [28, 32])],
        [box(random, [97 - side, 103 - side], [46, 60], [34, 40])],
      ];
    },
  },
  // More to recognize in a picture, for training.
  {
    name: 'four',
    share: 0,
    objects: 4,
    relation: null,
    suits: any,
    place: (random) =>
      (CENTRES[4] ?? []).flat().map(([x, y]) => [box(random, [x - 4, x + 4], [y - 5, y + 5], [30, 42])]),
  },
];

/** A box with its centre and side drawn from these ranges, in percent. */
function box(random: Random, x: Range, y: Range, size: Range): Box {
  const draw = (range: Range) => Number((random.between(...range) / CANVAS).toFixed(3));
  return { x: draw(x), y: draw(y), size: draw(size) };
}

type Range = [number, number];

/** One of three. */
const inLine = (random: Random, x: number) => box(random, [x - 2, x + 2], [40, 60], [27, 32]);

const CENTRES: Record<number, [number, number][][]> = {
  2: [
    [
      [28, 50],
      [72, 50],
    ],
  ],
  3: [
    [
      [20, 50],
      [50, 50],
      [80, 50],
    ],
    [
      [28, 32],
      [72, 32],
      [50, 72],
    ],
  ],
  4: [
    [
      [28, 30],
      [72, 30],
      [28, 72],
      [72, 72],
    ],
  ],
};

function many(random: Random): Box[] {
  const count = random.pick([2, 3, 4]);
  const size: Range = count === 2 ? [36, 42] : [28, 34];
  return random.pick(CENTRES[count] ?? []).map(([x, y]) => box(random, [x - 3, x + 3], [y - 4, y + 4], size));
}

/** The big one first, on either side. */
function sizes(random: Random): Box[][] {
  const bigOnLeft = random.chance(0.5);
  const big = box(random, bigOnLeft ? [30, 36] : [64, 70], [42, 58], [54, 60]);
  const small = box(random, bigOnLeft ? [78, 84] : [20, 26], [42, 58], [20, 25]);
  return [[big], [small]];
}

/** The nearer one first: lower, no smaller, and over a part of the other. */
function front(random: Random): Box[][] {
  const side = random.pick([-1, 1]);
  const shift = side * random.between(6, 10);
  const near = box(random, [49 + shift, 51 + shift], [60, 63], [48, 54]);
  const far = box(random, [49 - shift, 51 - shift], [40, 43], [44, 48]);
  return [[near], [far]];
}
