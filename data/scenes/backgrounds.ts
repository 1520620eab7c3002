import { LANDSCAPES, type Background } from './landscapes.js';
import { band, circle, fill, rectangle, repeat } from './paint.js';
import type { Random } from './random.js';
import { WEATHERS, type Weather } from './weather.js';

const PLAIN_COLOURS: Record<string, string> = {
  white: '#ffffff',
  gray: '#a9adb3',
  black: '#15151a',
  yellow: '#ffe97a',
  pink: '#ffc4dd',
  'light blue': '#bfe4ff',
  'light green': '#c9f2c1',
};

/** In the order of PLAIN_COLOURS. */
const PLAIN: readonly (Background & { colour: string })[] = Object.entries(PLAIN_COLOURS).map(([colour, hex]) => ({
  colour,
  name: `plain ${colour}`,
  places: [`on a ${colour} background`, `against a plain ${colour} background`],
  word: `${colour} background`,
  horizon: null,
  dark: colour === 'black',
  draw: () => band(0, 100, fill(hex)),
}));

/** Each in one of these pairs of colours. */
const PATTERN_COLOURS = [
  ['#fdf3e1', '#f3d9b1'],
  ['#e9f2fb', '#c4dcf2'],
  ['#f4ecf9', '#dccbe8'],
  ['#eef7ec', '#cbe6c5'],
] as const;

const PATTERNS: readonly Background[] = (
  [
    ['striped', (paint: string) => repeat(5, (i) => rectangle(i * 20, 0, 10, 100, paint))],
    [
      'checkered',
      (paint: string) =>
        repeat(10, (row) => repeat(5, (i) => rectangle(i * 20 + (row % 2) * 10, row * 10, 10, 10, paint))),
    ],
    [
      'dotted',
      (paint: string) =>
        repeat(9, (row) => repeat(6, (i) => circle(i * 20 + (row % 2) * 10, row * 12 + 2, 3.2, paint))),
    ],
  ] as const
).map(([name, parts]) => ({
  name,
  places: [`on a ${name} background`, `against a ${name} background`],
  word: `${name} background`,
  horizon: null,
  draw: (random) => {
    const [ground, paint] = random.pick(PATTERN_COLOURS);
    return band(0, 100, fill(ground)) + parts(fill(paint));
  },
}));

export const BACKGROUNDS: readonly Background[] = [...LANDSCAPES, ...PLAIN, ...PATTERNS];

/** What backgrounds are chosen by: names, and one word for all plain colours. */
const PLAIN_NAME = 'plain';
export const BACKGROUND_NAMES: readonly string[] = [
  ...[...LANDSCAPES, ...PATTERNS].map(({ name }) => name),
  PLAIN_NAME,
];

/** Where a scene is, and what the weather is there. */
export interface Setting {
  background: Background;
  weather: Weather | null;
  /** Whether dark ink would vanish. */
  dark: boolean;
}

/** Share of scenes on plain colours, on patterns and elsewhere. */
const PLAIN_SHARE = 0.07;
const PATTERN_SHARE = 0.04;
const LANDSCAPE_SHARE = 0.89;

export interface SettingOptions {
  /** Of BACKGROUND_NAMES. */
  backgrounds: readonly string[];
  /** Percent of the landscapes under an open sky that have weather. */
  weather: number;
}

/** What the objects of a scene rule out of its setting, as long as there is another. */
export interface Avoided {
  /** A pink cat would vanish on pink. */
  colours: readonly (string | null)[];
  /** Every name of the objects: what a background shows of itself cannot be told from them. */
  names: readonly string[];
}

export function pickSetting(random: Random, avoided: Avoided, options: SettingOptions): Setting {
  const { backgrounds, weather: share } = options;
  const background = pickBackground(random, avoided, backgrounds);
  const suits = suitsNames(avoided);
  const weather =
    background.horizon !== null && random.chance(share / 100) ? random.pick(WEATHERS.filter(suits)) : null;
  return { background, weather, dark: weather?.dark ?? background.dark ?? false };
}

function pickBackground(random: Random, avoided: Avoided, wanted: readonly string[]): Background {
  const plain = wanted.includes(PLAIN_NAME) ? PLAIN.filter(({ colour }) => !avoided.colours.includes(colour)) : [];
  const isWanted = ({ name }: Background) => wanted.includes(name);
  const groups: { share: number; members: readonly Background[] }[] = [
    { share: PLAIN_SHARE, members: plain },
    { share: PATTERN_SHARE, members: PATTERNS.filter(isWanted) },
    { share: LANDSCAPE_SHARE, members: LANDSCAPES.filter(isWanted).filter(suitsNames(avoided)) },
  ];
  const offered = groups.filter(({ members }) => members.length > 0);
  if (offered.length === 0) return random.pick(BACKGROUNDS.filter(isWanted));
  return random.pick(random.pick(offered, ({ share }) => share).members);
}

const suitsNames =
  ({ names }: Avoided) =>
  ({ shows = [] }: { shows?: readonly string[] }) =>
    !shows.some((name) => names.includes(name));

/** What is drawn before the objects and over them, on a square of 100 by 100. */
export function drawSetting({ background, weather }: Setting, random: Random): { behind: string; front: string } {
  if (weather === null || background.horizon === null) return { behind: background.draw(random), front: '' };
  const { horizon } = background;
  return {
    behind: background.draw(random, weather.sky(horizon)) + weather.behind(random, horizon),
    front: weather.front(random),
  };
}
