import type { Random } from './random.js';

/** Scenes are drawn on a square of 100 by 100, whatever the size of the picture in pixels. */
export const CANVAS = 100;

export interface Background {
  name: string;
  /** How a caption says where the scene is. */
  places: readonly string[];
  /** SVG elements that cover the canvas. */
  draw(random: Random): string;
}

const PLAIN_COLOURS: Record<string, string> = {
  white: '#ffffff',
  gray: '#a9adb3',
  black: '#15151a',
  yellow: '#ffe97a',
  pink: '#ffc4dd',
  'light blue': '#bfe4ff',
  'light green': '#c9f2c1',
};

/** Full width, from `top` to `bottom`. */
const band = (top: number, bottom: number, fill: string) => rectangle(0, top, CANVAS, bottom - top, fill);

const rectangle = (x: number, y: number, width: number, height: number, fill: string) =>
  `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${fill}"/>`;

const shape = (path: string, fill: string) => `<path d="${path}" fill="${fill}"/>`;

function dots(random: Random, options: { count: number; bottom: number; radius: [number, number]; paint: string }) {
  return repeat(options.count, () => {
    const [x, y] = [random.between(0, CANVAS), random.between(0, options.bottom)];
    return `<circle cx="${round(x)}" cy="${round(y)}" r="${round(random.between(...options.radius))}" ${options.paint}/>`;
  });
}

const repeat = (count: number, draw: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => draw(i)).join('');

const round = (value: number) => Number(value.toFixed(2));

function skyline(random: Random): string {
  return repeat(8, (i) => {
    const height = random.between(25, 60);
    return rectangle(i * 12.5, 85 - height, 12, height, '#7d8597');
  });
}

function firs(random: Random): string {
  return repeat(9, (i) => {
    const x = round(((i + 0.5) * CANVAS) / 9 + random.between(-3, 3));
    const height = random.between(50, 75);
    const trunk = rectangle(x - 1.2, 80 - height * 0.2, 2.4, height * 0.3, '#5d4023');
    return trunk + shape(`M${x} ${round(75 - height)}L${round(x + 7)} 72H${round(x - 7)}Z`, '#2d6a3a');
  });
}

function peaks(): string {
  return [10, 42, 75]
    .map(
      (x) =>
        shape(`M${x - 30} 70L${x} 18L${x + 30} 70Z`, '#8590a6') +
        shape(`M${x - 9} 33.5L${x} 18L${x + 9} 33.5Z`, '#fff'),
    )
    .join('');
}

const LANDSCAPES: readonly Background[] = [
  {
    name: 'meadow',
    places: ['in a meadow', 'on the grass', 'in a green field'],
    draw: () => band(0, 100, '#aee0ff') + band(55, 100, '#6dbf4b'),
  },
  {
    name: 'beach',
    places: ['on the beach', 'on the sand by the sea', 'at the seaside'],
    draw: () => band(0, 100, '#9fdcff') + band(40, 65, '#2f8fd0') + band(62, 100, '#f2dc9b'),
  },
  {
    name: 'night',
    places: ['at night', 'under the stars', 'under the night sky'],
    draw: (random) =>
      band(0, 100, '#131a40') +
      dots(random, { count: 22, bottom: 80, radius: [0.4, 1], paint: 'fill="#fff"' }) +
      band(82, 100, '#0c2418'),
  },
  {
    name: 'snow',
    places: ['in the snow', 'on a snowy day', 'in winter'],
    draw: (random) =>
      band(0, 100, '#cfe3f2') +
      band(60, 100, '#fbfdff') +
      dots(random, { count: 26, bottom: 100, radius: [0.6, 1.4], paint: 'fill="#fff"' }),
  },
  {
    name: 'desert',
    places: ['in the desert', 'among sand dunes'],
    draw: () =>
      band(0, 100, '#ffd59a') +
      shape('M0 62Q25 48 50 62T100 60V100H0Z', '#d9944a') +
      shape('M0 80Q30 66 60 80T100 76V100H0Z', '#b9742f'),
  },
  {
    name: 'water',
    places: ['under water', 'in the ocean', 'deep in the sea'],
    draw: (random) =>
      band(0, 100, '#0f6fae') +
      band(50, 100, '#0a4f86') +
      dots(random, {
        count: 12,
        bottom: 100,
        radius: [1, 3],
        paint: 'fill="none" stroke="#9fd8ff" stroke-width="0.6"',
      }),
  },
  {
    name: 'road',
    places: ['on the road', 'on a street', 'in the street'],
    draw: () =>
      band(0, 100, '#bfe3ee') +
      band(50, 100, '#5a5f66') +
      repeat(4, (i) => rectangle(5 + i * 25, 73, 14, 3, '#f4f4f4')),
  },
  {
    name: 'city',
    places: ['in the city', 'in front of a skyline', 'downtown'],
    draw: (random) => band(0, 100, '#ffdcc2') + skyline(random) + band(85, 100, '#4b5160'),
  },
  {
    name: 'forest',
    places: ['in the forest', 'in the woods'],
    draw: (random) => band(0, 100, '#9ac79a') + firs(random) + band(80, 100, '#4a7a3d'),
  },
  {
    name: 'mountains',
    places: ['in the mountains', 'below snowy peaks'],
    draw: () => band(0, 100, '#cfe8ff') + peaks() + band(70, 100, '#7c9a6b'),
  },
  {
    name: 'room',
    places: ['in a room', 'indoors', 'inside a house'],
    draw: () =>
      band(0, 100, '#f3e3d0') +
      band(68, 100, '#a9743f') +
      '<rect x="62" y="12" width="24" height="26" fill="#bfe6ff" stroke="#7a5a38" stroke-width="1.5"/>',
  },
  {
    name: 'table',
    places: ['on a table', 'on a wooden table'],
    draw: () => band(0, 100, '#dfe6e9') + band(50, 100, '#8d5a2b') + band(50, 53, '#a66f3a'),
  },
];

/** In the order of PLAIN_COLOURS. */
const PLAIN: readonly (Background & { colour: string })[] = Object.entries(PLAIN_COLOURS).map(([colour, fill]) => ({
  colour,
  name: `plain ${colour}`,
  places: [`on a ${colour} background`, `against a plain ${colour} background`],
  draw: () => band(0, 100, fill),
}));

/**
 * Every landscape is as likely as all plain backgrounds together. None is of a colour in `avoid`: a pink cat would
 * vanish on pink.
 */
export function pickBackground(random: Random, avoid: readonly (string | null)[]): Background {
  if (!random.chance(1 / (LANDSCAPES.length + 1))) return random.pick(LANDSCAPES);
  return random.pick(PLAIN.filter(({ colour }) => !avoid.includes(colour)));
}

export const BACKGROUNDS: readonly Background[] = [...LANDSCAPES, ...PLAIN];
