import { band, CANVAS, circle, dots, fill, repeat, round, shape, stroke } from './paint.js';
import type { Random } from './random.js';

/** What the sky does over a landscape. */
export interface Weather {
  name: string;
  /** How a caption says it, after the place or instead of it. */
  phrases: readonly string[];
  /** As a sentence of its own. */
  sentence: string;
  /** What a list of words calls it. */
  word: string;
  /** Names of things that it is full of, as of backgrounds. */
  shows?: readonly string[];
  /** Whether dark ink would vanish. */
  dark: boolean;
  /** Drawn in place of the landscape's sky. */
  sky(horizon: number): string;
  /** Drawn between the landscape and the objects. */
  behind(random: Random, horizon: number): string;
  /** Drawn over the objects. */
  front(random: Random): string;
}

const none = () => '';

const rain = (random: Random) =>
  repeat(34, () => {
    const [x, y, length] = [random.between(-4, CANVAS), random.between(-6, CANVAS), random.between(5, 9)];
    return shape(`M${round(x)} ${round(y)}l${round(-length * 0.28)} ${round(length)}`, stroke('#d8ecff', 0.7, 0.75));
  });

/** A bolt from the top to near the horizon. */
function lightning(random: Random, horizon: number): string {
  const x = random.between(10, 90);
  const step = horizon / 3;
  const joints = [-4, 3, -2].map((shift) => `l${round(shift + random.between(-2, 2))} ${round(step)}`).join('');
  return shape(`M${round(x)} 0${joints}`, `${stroke('#fff6a8', 1.8)} stroke-linejoin="round"`);
}

const overcast = (colour: string) => () => band(0, 100, fill(colour));

const evening = (horizon: number) =>
  band(0, 100, fill('#ffc46b')) +
  band(0, horizon * 0.4, fill('#7d4a8d')) +
  band(horizon * 0.4, horizon * 0.7, fill('#d9667a')) +
  band(horizon * 0.7, horizon, fill('#ff9d4d'));

export const WEATHERS: readonly Weather[] = [
  {
    name: 'rain',
    phrases: ['in the rain', 'on a rainy day'],
    sentence: 'it is raining',
    word: 'rain',
    dark: false,
    sky: overcast('#8794a5'),
    behind: () => band(0, 100, fill('#5b6878', 0.3)),
    front: rain,
  },
  {
    name: 'snow',
    phrases: ['in falling snow', 'while it is snowing', 'in a snowfall'],
    sentence: 'it is snowing',
    word: 'snow',
    dark: false,
    sky: overcast('#a9b8c8'),
    behind: () => band(0, 100, fill('#dfe7ef', 0.35)),
    front: (random) => dots(random, { count: 38, bottom: 100, radius: [0.6, 1.5], paint: fill('#fff') }),
  },
  {
    name: 'fog',
    phrases: ['in the fog', 'on a foggy day', 'in the mist'],
    sentence: 'it is foggy',
    word: 'fog',
    dark: false,
    sky: overcast('#d5d9dd'),
    behind: () => band(0, 100, fill('#e4e7ea', 0.55)),
    front: (random) =>
      band(0, 100, fill('#eef0f2', 0.2)) +
      repeat(3, (i) => {
        const top = 12 + i * 30 + random.between(-6, 6);
        return band(top, top + random.between(10, 16), fill('#f4f6f7', 0.4));
      }),
  },
  {
    name: 'storm',
    phrases: ['in a storm', 'in a thunderstorm', 'on a stormy day'],
    sentence: 'there is a storm',
    word: 'storm',
    shows: ['cloud'],
    dark: true,
    sky: overcast('#3a4252'),
    behind: (random, horizon) =>
      band(0, 100, fill('#1d2330', 0.45)) +
      repeat(3, (i) => circle(15 + i * 35 + random.between(-8, 8), 2, random.between(14, 20), fill('#2a303c'))) +
      lightning(random, horizon) +
      lightning(random, horizon),
    front: rain,
  },
  {
    name: 'sunset',
    phrases: ['at sunset', 'in the evening', 'at dusk'],
    sentence: 'the sun is setting',
    word: 'sunset',
    dark: false,
    sky: evening,
    behind: () => band(0, 100, fill('#8a2f5c', 0.18)),
    front: none,
  },
  {
    name: 'night',
    phrases: ['at night', 'under the stars', 'under the night sky'],
    sentence: 'it is night',
    word: 'night',
    shows: ['star'],
    dark: true,
    sky: overcast('#1a2356'),
    behind: (random, horizon) =>
      band(0, 100, fill('#060b2a', 0.55)) +
      dots(random, { count: 18, bottom: horizon, radius: [0.4, 0.9], paint: fill('#fff') }),
    front: none,
  },
];
