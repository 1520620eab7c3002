import { CANVAS } from './backgrounds.js';
import type { SceneObject } from './objects.js';
import type { Random } from './random.js';

/** A square around one drawn thing: its centre and side, as fractions of the picture's side. */
export interface Box {
  x: number;
  y: number;
  size: number;
}

export type LayoutName = 'one' | 'many' | 'beside' | 'stacked' | 'sizes' | 'row';

export interface Layout {
  name: LayoutName;
  /** Share of all scenes. */
  share: number;
  /** How many different objects it takes. */
  objects: 1 | 2 | 3;
  /** Whether captions can say of this object what the layout shows. */
  suits(object: SceneObject): boolean;
  /** The boxes of each object, in the order in which captions take them. */
  place(random: Random): Box[][];
}

const any = () => true;

export const LAYOUTS: readonly Layout[] = [
  {
    name: 'one',
    share: 0.22,
    objects: 1,
    suits: any,
    place: (random) => [[box(random, [32, 68], [36, 66], [42, 80])]],
  },
  {
    name: 'many',
    share: 0.2,
    objects: 1,
    suits: (object) => object.plural !== null,
    place: (random) => [many(random)],
  },
  {
    name: 'beside',
    share: 0.22,
    objects: 2,
    suits: any,
    place: (random) => [[box(random, [22, 30], [42, 62], [36, 44])], [box(random, [70, 78], [42, 62], [36, 44])]],
  },
  {
    name: 'stacked',
    share: 0.11,
    objects: 2,
    suits: any,
    place: (random) => [[box(random, [38, 62], [22, 28], [34, 42])], [box(random, [38, 62], [72, 78], [34, 42])]],
  },
  // "A big milk" is not English.
  { name: 'sizes', share: 0.11, objects: 2, suits: (object) => object.number !== 'mass', place: sizes },
  {
    name: 'row',
    share: 0.14,
    objects: 3,
    suits: any,
    place: (random) => [20, 50, 80].map((x) => [box(random, [x - 2, x + 2], [40, 60], [27, 32])]),
  },
];

/** A box with its centre and side drawn from these ranges, in percent. */
function box(random: Random, x: Range, y: Range, size: Range): Box {
  const draw = (range: Range) => Number((random.between(...range) / CANVAS).toFixed(3));
  return { x: draw(x), y: draw(y), size: draw(size) };
}

type Range = [number, number];

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
