import { band, CANVAS, circle, dots, fill, rectangle, repeat, round, shape, stroke } from './paint.js';
import type { Random } from './random.js';

export interface Background {
  name: string;
  /** How a caption says where the scene is. */
  places: readonly string[];
  /** What a list of words calls it. */
  word: string;
  /** Names of things that it is full of: in a forest "a tree to the left of a fox" is also one to the right of it. */
  shows?: readonly string[];
  /** Where the sky ends, if it may rain or snow there; null indoors and where the sky is already told. */
  horizon: number | null;
  /** Whether dark ink would vanish. */
  dark?: boolean;
  /** SVG elements that cover a square of 100 by 100; `sky`, too, takes the place of its own sky. */
  draw(random: Random, sky?: string): string;
}

function skyline(random: Random): string {
  return repeat(8, (i) => {
    const height = random.between(25, 60);
    return rectangle(i * 12.5, 85 - height, 12, height, fill('#7d8597'));
  });
}

function firs(random: Random): string {
  return repeat(9, (i) => {
    const x = round(((i + 0.5) * CANVAS) / 9 + random.between(-3, 3));
    const height = random.between(50, 75);
    const trunk = rectangle(x - 1.2, 80 - height * 0.2, 2.4, height * 0.3, fill('#5d4023'));
    return trunk + shape(`M${x} ${round(75 - height)}L${round(x + 7)} 72H${round(x - 7)}Z`, fill('#2d6a3a'));
  });
}

function peaks(): string {
  return [10, 42, 75]
    .map(
      (x) =>
        shape(`M${x - 30} 70L${x} 18L${x + 30} 70Z`, fill('#8590a6')) +
        shape(`M${x - 9} 33.5L${x} 18L${x + 9} 33.5Z`, fill('#fff')),
    )
    .join('');
}

const picket = (x: number) => shape(`M${x} 74V52L${x + 3} 47L${x + 6} 52V74Z`, fill('#fbfbf5'));
const bricks = () =>
  repeat(10, (row) =>
    repeat(6, (i) =>
      rectangle(i * 20 - (row % 2) * 10, row * 10, 19, 9, fill(i % 2 === row % 2 ? '#b5533c' : '#a84a35')),
    ),
  );

/** A sky of this colour, unless another is given, and what lies before it. */
const outdoors =
  (colour: string, rest: (random: Random) => string) =>
  (random: Random, sky = band(0, 100, fill(colour))) =>
    sky + rest(random);

export const LANDSCAPES: readonly Background[] = [
  {
    name: 'meadow',
    places: ['in a meadow', 'on the grass', 'in a green field'],
    word: 'grass',
    horizon: 55,
    draw: outdoors('#aee0ff', () => band(55, 100, fill('#6dbf4b'))),
  },
  {
    name: 'beach',
    places: ['on the beach', 'on the sand by the sea', 'at the seaside'],
    word: 'beach',
    horizon: 40,
    draw: outdoors('#9fdcff', () => band(40, 65, fill('#2f8fd0')) + band(62, 100, fill('#f2dc9b'))),
  },
  {
    name: 'night',
    places: ['at night', 'under the stars', 'under the night sky'],
    word: 'night',
    shows: ['star'],
    horizon: null,
    dark: true,
    draw: (random) =>
      band(0, 100, fill('#131a40')) +
      dots(random, { count: 22, bottom: 80, radius: [0.4, 1], paint: fill('#fff') }) +
      band(82, 100, fill('#0c2418')),
  },
  {
    name: 'snow',
    places: ['in the snow', 'on a snowy day', 'in winter'],
    word: 'snow',
    horizon: null,
    draw: (random) =>
      band(0, 100, fill('#cfe3f2')) +
      band(60, 100, fill('#fbfdff')) +
      dots(random, { count: 26, bottom: 100, radius: [0.6, 1.4], paint: fill('#fff') }),
  },
  {
    name: 'desert',
    places: ['in the desert', 'among sand dunes'],
    word: 'desert',
    horizon: 50,
    draw: outdoors(
      '#ffd59a',
      () =>
        shape('M0 62Q25 48 50 62T100 60V100H0Z', fill('#d9944a')) +
        shape('M0 80Q30 66 60 80T100 76V100H0Z', fill('#b9742f')),
    ),
  },
  {
    name: 'water',
    places: ['under water', 'in the ocean', 'deep in the sea'],
    word: 'ocean',
    horizon: null,
    dark: true,
    draw: (random) =>
      band(0, 100, fill('#0f6fae')) +
      band(50, 100, fill('#0a4f86')) +
      dots(random, { count: 12, bottom: 100, radius: [1, 3], paint: stroke('#9fd8ff', 0.6) }),
  },
  {
    name: 'road',
    places: ['on the road', 'on a street', 'in the street'],
    word: 'street',
    horizon: 50,
    draw: outdoors(
      '#bfe3ee',
      () => band(50, 100, fill('#5a5f66')) + repeat(4, (i) => rectangle(5 + i * 25, 73, 14, 3, fill('#f4f4f4'))),
    ),
  },
  {
    name: 'city',
    places: ['in the city', 'against the skyline', 'downtown'],
    word: 'city',
    shows: ['building'],
    horizon: 40,
    draw: outdoors('#ffdcc2', (random) => skyline(random) + band(85, 100, fill('#4b5160'))),
  },
  {
    name: 'forest',
    places: ['in the forest', 'in the woods'],
    word: 'forest',
    shows: ['tree', 'plant'],
    horizon: 30,
    draw: outdoors('#9ac79a', (random) => firs(random) + band(80, 100, fill('#4a7a3d'))),
  },
  {
    name: 'mountains',
    places: ['in the mountains', 'below snowy peaks'],
    word: 'mountains',
    shows: ['mountain'],
    horizon: 35,
    draw: outdoors('#cfe8ff', () => peaks() + band(70, 100, fill('#7c9a6b'))),
  },
  {
    name: 'hills',
    places: ['in the hills', 'among green hills'],
    word: 'hills',
    horizon: 45,
    draw: outdoors(
      '#bfe6f7',
      () =>
        shape('M0 70Q20 30 50 62T100 50V100H0Z', fill('#86c06a')) +
        shape('M0 84Q40 52 70 80T100 74V100H0Z', fill('#5a9e48')),
    ),
  },
  {
    name: 'lake',
    places: ['by a lake', 'at the lake'],
    word: 'lake',
    horizon: 42,
    draw: outdoors(
      '#c5e8fb',
      () =>
        shape('M0 45Q18 34 36 44T72 40T100 45V60H0Z', fill('#4f8a55')) +
        band(45, 100, fill('#7fb069')) +
        '<ellipse cx="50" cy="68" rx="44" ry="17" fill="#4aa3d8"/>',
    ),
  },
  {
    name: 'river',
    places: ['by a river', 'at the river'],
    word: 'river',
    horizon: 40,
    draw: outdoors(
      '#b8e2fa',
      () =>
        band(40, 100, fill('#79b85a')) + shape('M46 40H54Q50 58 66 70T88 100H30Q44 74 40 62T46 40Z', fill('#3d93cf')),
    ),
  },
  {
    name: 'garden',
    places: ['in a garden', 'by a white fence'],
    word: 'garden',
    horizon: 45,
    draw: outdoors(
      '#c9ebff',
      () =>
        band(62, 100, fill('#62ad47')) +
        band(56, 59, fill('#efefe4')) +
        band(66, 69, fill('#efefe4')) +
        repeat(11, (i) => picket(1.5 + i * 9)),
    ),
  },
  {
    name: 'farm',
    places: ['on a farm', 'in a plowed field'],
    word: 'farm',
    horizon: 40,
    draw: outdoors(
      '#d4ecf7',
      () =>
        band(40, 100, fill('#9a6b3f')) +
        repeat(9, (i) => shape(`M${46 + i} 40L${i * 30 - 75} 100H${i * 30 - 62}L${47 + i} 40Z`, fill('#6f9e3f'))),
    ),
  },
  {
    name: 'sky',
    places: ['in the sky', 'high in the air'],
    word: 'sky',
    horizon: null,
    draw: () => band(0, 100, fill('#58b4f0')) + band(45, 75, fill('#7cc6f5')) + band(75, 100, fill('#a5d9f9')),
  },
  {
    name: 'space',
    places: ['in space', 'in outer space'],
    word: 'space',
    shows: ['star'],
    horizon: null,
    dark: true,
    draw: (random) =>
      band(0, 100, fill('#0b0720')) +
      circle(random.between(15, 85), random.between(15, 60), 26, fill('#5b2a86', 0.45)) +
      circle(random.between(15, 85), random.between(40, 85), 22, fill('#2a4d9e', 0.4)) +
      dots(random, { count: 24, bottom: 100, radius: [0.3, 0.8], paint: fill('#fff') }) +
      circle(82, 108, 34, fill('#c97b4a')),
  },
  {
    name: 'cave',
    places: ['in a cave', 'inside a dark cave'],
    word: 'cave',
    horizon: null,
    dark: true,
    draw: () =>
      band(0, 100, fill('#2c2622')) +
      shape('M12 100Q6 40 34 22Q60 8 80 30Q98 54 88 100Z', fill('#5c5048')) +
      shape('M30 0L36 20L42 0ZM56 0L61 16L66 0ZM74 0L80 24L86 0ZM8 0L14 18L20 0Z', fill('#1b1714')),
  },
  {
    name: 'brick wall',
    places: ['by a brick wall', 'against a red brick wall'],
    word: 'wall',
    horizon: null,
    draw: () => band(0, 100, fill('#d9c3b0')) + bricks(),
  },
  {
    name: 'stage',
    places: ['on a stage', 'on stage'],
    word: 'stage',
    horizon: null,
    draw: () =>
      band(0, 100, fill('#e8c9a0')) +
      band(74, 100, fill('#9c6534')) +
      repeat(4, (i) => rectangle(i * 4.5, 0, 4.5, 80, fill(i % 2 === 0 ? '#a3172b' : '#c22339'))) +
      repeat(4, (i) => rectangle(82 + i * 4.5, 0, 4.5, 80, fill(i % 2 === 0 ? '#c22339' : '#a3172b'))) +
      band(0, 9, fill('#8a1024')),
  },
  {
    name: 'room',
    places: ['in a room', 'indoors', 'inside a house'],
    word: 'room',
    horizon: null,
    draw: () =>
      band(0, 100, fill('#f3e3d0')) +
      band(68, 100, fill('#a9743f')) +
      '<rect x="62" y="12" width="24" height="26" fill="#bfe6ff" stroke="#7a5a38" stroke-width="1.5"/>',
  },
  {
    name: 'bathroom',
    places: ['in a bathroom', 'on a tiled floor'],
    word: 'bathroom',
    horizon: null,
    draw: () =>
      band(0, 100, fill('#e6f4f1')) +
      repeat(
        9,
        (i) => rectangle(i * 12.5 - 0.3, 0, 0.6, 62, fill('#b4d6cf')) + band(i * 7.8, i * 7.8 + 0.5, fill('#b4d6cf')),
      ) +
      band(62, 100, fill('#f7f7f7')) +
      repeat(3, (row) =>
        repeat(5, (i) => rectangle(i * 25 - (row % 2) * 12.5, 62 + row * 12.7, 12.5, 12.7, fill('#4d8f8a'))),
      ),
  },
  {
    name: 'table',
    places: ['on a table', 'on a wooden table'],
    word: 'table',
    horizon: null,
    draw: () => band(0, 100, fill('#dfe6e9')) + band(50, 100, fill('#8d5a2b')) + band(50, 53, fill('#a66f3a')),
  },
];
