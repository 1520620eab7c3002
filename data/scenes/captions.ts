import type { LayoutName } from './layouts.js';
import type { SceneObject } from './objects.js';
import type { Random } from './random.js';
import type { Colour } from './art.js';

/** What a caption knows of one object. */
export interface Thing {
  object: SceneObject;
  /** null unless the picture is tinted. */
  colour: Colour | null;
  /** How often it is drawn. */
  count: number;
}

export const CAPTIONS_PER_PICTURE = 5;

const NUMBERS = ['no', 'one', 'two', 'three', 'four'];
const BIG = ['big', 'large', 'huge'];
const SMALL = ['small', 'tiny', 'little'];

/** Five different captions: each names every object, most say how they are arranged, four of five say where. */
export function writeCaptions(options: {
  layout: LayoutName;
  /** In the order of the layout's boxes. */
  things: readonly Thing[];
  /** Of the background. */
  places: readonly string[];
  random: Random;
}): string[] {
  const { layout, things, places, random } = options;
  const captions = new Set<string>();
  while (captions.size < CAPTIONS_PER_PICTURE) {
    const index = captions.size;
    const sentence = opening(layout, things, index, random) + SENTENCES[layout](things, index, random);
    if (random.chance(0.2)) captions.add(`${random.pick(places)}, ${sentence}`);
    else captions.add(random.chance(0.75) ? `${sentence} ${random.pick(places)}` : sentence);
  }
  return [...captions];
}

function opening(layout: LayoutName, things: readonly Thing[], index: number, random: Random): string {
  if (layout === 'row') return '';
  if (layout === 'many') {
    if (random.chance(0.3)) return 'there are ';
    return random.chance(0.2) ? 'a picture of ' : '';
  }
  if (layout !== 'one' && index > 0) return '';
  return random.pick(OPENINGS[verbOf(layout, things)], ({ share }) => share).text;
}

const PLAIN_OPENINGS = [
  { text: '', share: 0.5 },
  { text: 'a picture of ', share: 0.15 },
  { text: 'an illustration of ', share: 0.1 },
];

const OPENINGS = {
  is: [...PLAIN_OPENINGS, { text: 'there is ', share: 0.15 }, { text: 'this is ', share: 0.1 }],
  are: [...PLAIN_OPENINGS, { text: 'there are ', share: 0.25 }],
  none: PLAIN_OPENINGS,
};

/** Of two objects either may come first: with a plural among them no verb is always right. */
function verbOf(layout: LayoutName, things: readonly Thing[]): keyof typeof OPENINGS {
  if (things.every(({ object }) => object.number !== 'plural')) return 'is';
  return layout === 'one' ? 'are' : 'none';
}

type Sentence = (things: readonly Thing[], index: number, random: Random) => string;

const SENTENCES: Record<LayoutName, Sentence> = {
  one: ([a], _, random) => phrase(a, random),
  many: ([a], _, random) => phrase(a, random),
  beside: ([a, b], index, random) => {
    const left = phrase(a, random);
    const right = phrase(b, random);
    if (index === CAPTIONS_PER_PICTURE - 1) return `${left} and ${right} side by side`;
    const sentences = [
      `${left} to the left of ${right}`,
      `${right} to the right of ${left}`,
      `${left} on the left and ${right} on the right`,
      `${left} left of ${right}`,
    ];
    if (b?.object.number !== 'plural') sentences.push(`${right} with ${left} on its left`);
    return random.pick(sentences);
  },
  stacked: ([a, b], _, random) => {
    const top = phrase(a, random);
    const bottom = phrase(b, random);
    return random.pick([
      `${top} above ${bottom}`,
      `${bottom} below ${top}`,
      `${top} on top and ${bottom} underneath`,
      `${bottom} under ${top}`,
      `${top} over ${bottom}`,
    ]);
  },
  sizes: ([a, b], _, random) => {
    const big = phrase(a, random, random.pick(BIG));
    const small = phrase(b, random, random.pick(SMALL));
    return random.pick([
      `${big} and ${small}`,
      `${small} next to ${big}`,
      `${small} beside ${phrase(a, random)}`,
      `${big} with ${phrase(b, random)}`,
    ]);
  },
  row: ([a, b, c], _, random) => {
    const [left, middle, right] = [phrase(a, random), phrase(b, random), phrase(c, random)];
    return random.pick([
      `${left}, ${middle} and ${right}`,
      `${middle} between ${left} and ${right}`,
      `${right}, ${middle} and ${left}`,
      `from left to right, ${left}, ${middle} and ${right}`,
    ]);
  },
};

/** "a big red fox", "two mice", "some milk", "grapes". */
export function phrase(thing: Thing | undefined, random: Random, size?: string): string {
  if (thing === undefined) throw new RangeError('The layout has fewer objects than its sentence names.');
  const { object, colour, count } = thing;
  if (count > 1) return words(NUMBERS[count], size, colour, object.plural);
  const name = words(size, colour, object.noun);
  if (object.number === 'countable') return `${article(name)} ${name}`;
  return random.chance(0.5) ? `some ${name}` : name;
}

const words = (...parts: (string | null | undefined)[]) => parts.filter(Boolean).join(' ');

/** By sound: "an hourglass". */
const article = (name: string) => (/^([aeiou]|hour)/.test(name) ? 'an' : 'a');
