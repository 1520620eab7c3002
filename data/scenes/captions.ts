import type { Setting } from './backgrounds.js';
import type { Frame } from './frames.js';
import type { LayoutName } from './layouts.js';
import { unambiguousNames, type Name } from './names.js';
import type { SceneObject } from './objects.js';
import { bare, BIG, fillSentence, firstOf, firstWording, isPlural, SMALL, tokensOf, type Wording } from './phrases.js';
import type { Random } from './random.js';
import { OPENINGS, OPENINGS_ARE, OPENINGS_IS, SENTENCES } from './templates.js';
import type { Colour } from './art.js';

/** What a caption knows of one object. */
export interface Thing {
  object: SceneObject;
  /** null unless the picture is tinted. */
  colour: Colour | null;
  /** How often it is drawn. */
  count: number;
}

/** What a caption knows of a scene. */
export interface Subject {
  layout: LayoutName;
  /** In the order of the layout's boxes. */
  things: readonly Thing[];
  setting: Pick<Setting, 'background' | 'weather'>;
  frame: Frame | null;
}

export interface Caption {
  text: string;
  /** The same with its relation exchanged: false of the picture. null where it tells no relation. */
  swapped: string | null;
}

export const CAPTIONS_PER_PICTURE = 5;
/** ViLT reads 40 tokens, two of them its own, and some words are several. */
const MOST_WORDS = 24;
/** At another wording of a caption, should it be too long or be there already. */
const MOST_TRIES = 20;

type Kinds = Partial<Record<Name['kind'], number>>;
const OTHER_NAMES: Kinds = { noun: 0.5, synonym: 0.5 };

/** A sentence of templates.ts, and what it says when its relation is exchanged. */
type Told = readonly [told: string, swapped: string | null];

/**
 * Five different captions, all true. The first tells everything: each object by a name of its own, how they are arranged,
 * where, the weather. The second tells it from the other object's side; then come a freer one and less formal ones.
 */
export function writeCaptions(subject: Subject, random: Random): Caption[] {
  const { related, unrelated } = SENTENCES[subject.layout];
  const all: Told[] = [...related, ...unrelated.map((told) => [told, null] as const)];
  const freely = () => sentence(random.pick(all), subject, random, FREE);
  let whole: Told = all[0] ?? ['', null];
  const tellAll = () => {
    whole = random.pick(related.length > 0 ? related : all);
    return sentence(whole, subject, random, WHOLE);
  };

  const captions = new Map<string, Caption>();
  const add = (write: () => Caption, otherwise = freely) => {
    for (let tries = 0; ; tries++) {
      const caption = tries < MOST_TRIES ? write() : otherwise();
      const words = tokensOf(caption.text);
      if (captions.has(words.join(' ')) || words.length > MOST_WORDS) continue;
      captions.set(words.join(' '), caption);
      return;
    }
  };
  add(tellAll, tellAll);
  const otherSide = related.filter(([told]) => firstOf(told) !== firstOf(whole[0]));
  add(otherSide.length > 0 ? () => sentence(random.pick(otherSide), subject, random, FREE) : freely);
  add(freely);
  add(() => (random.chance(0.65) ? listOfWords(subject, random) : atLength(subject, random)));
  add(() => (random.chance(0.7) ? sentence(random.pick(all), subject, random, OF_KINDS) : atLength(subject, random)));
  return [...captions.values()];
}

interface Manner {
  /** How likely a name of each kind is. */
  names: Kinds;
  /** Chances that the place, and the weather, are told; that they come first. */
  place: number;
  weather: number;
  placeFirst: number;
}

const WHOLE: Manner = { names: { noun: 0.8, synonym: 0.2 }, place: 1, weather: 1, placeFirst: 0.1 };
const FREE: Manner = { names: OTHER_NAMES, place: 0.55, weather: 0.6, placeFirst: 0.2 };
/** "an animal next to a red building". */
const OF_KINDS: Manner = { ...FREE, names: { noun: 0.15, synonym: 0.1, hypernym: 0.75 } };

function sentence([told, swapped]: Told, subject: Subject, random: Random, manner: Manner): Caption {
  const wordings = wordingsOf(subject, manner.names, random);
  const frame = random.pick(subject.frame?.phrases ?? ['']);
  const opening = openingOf(told, wordings, random);
  const place = wherever(subject, random, manner);
  const placeFirst = place !== '' && random.chance(manner.placeFirst);
  const finish = finishing(random);
  const say = (template: string) => {
    const text = join(agreeing(opening, template, wordings), fillSentence(template, wordings, frame));
    return finish(placeFirst ? `${place}, ${text}` : join(text, place));
  };
  return { text: say(told), swapped: swapped === null ? null : say(swapped) };
}

/** "two foxes, castle, beach": as people type. */
function listOfWords(subject: Subject, random: Random): Caption {
  const { setting, frame } = subject;
  const items = wordingsOf(subject, OTHER_NAMES, random).map(bare);
  if (random.chance(0.5)) items.reverse();
  if (frame !== null && random.chance(0.6)) items.push(frame.word);
  if (random.chance(0.55)) items.push(setting.background.word);
  if (setting.weather !== null && random.chance(0.5)) items.push(setting.weather.word);
  const text = items.join(random.pick([', ', ' ', items.length === 2 ? ' and ' : ', ']));
  return { text, swapped: null };
}

/** "a fox and a castle on the beach. the fox is on the left. it is raining." */
function atLength(subject: Subject, random: Random): Caption {
  const { layout, setting, frame } = subject;
  const { unrelated, second } = SENTENCES[layout];
  const wordings = wordingsOf(subject, OTHER_NAMES, random);
  const tint = wordings.length === 1 ? wordings[0]?.colour : null;
  const shown = tint ? wordings.map((wording) => ({ ...wording, colour: null })) : wordings;
  const say = (template: string) => fillSentence(template, shown, random.pick(frame?.phrases ?? ['']));
  const first = random.pick(unrelated);
  const sentences = [join(openingOf(first, shown, random), say(first), random.pick(setting.background.places))];
  if (second.length > 0) sentences.push(say(random.pick(second)));
  if (tint) sentences.push(`${say('{the a} {is a}')} ${tint}`);
  if (setting.weather !== null) sentences.push(setting.weather.sentence);
  const capital = random.chance(0.4);
  return { text: sentences.map((text) => `${capital ? capitalised(text) : text}.`).join(' '), swapped: null };
}

/** A name for each thing that no other thing in the picture has. */
function wordingsOf({ layout, things }: Subject, kinds: Kinds, random: Random): Wording[] {
  return things.map(({ object, colour, count }) => {
    const others = things.filter((other) => other.object !== object).map((other) => other.object);
    const counted = count > 1 || layout === 'between';
    const names = unambiguousNames(object, others).filter(
      ({ plural, number }) => !(counted && plural === null) && !(layout === 'sizes' && number === 'mass'),
    );
    const offered = (Object.keys(kinds) as Name['kind'][]).filter((kind) => names.some((name) => name.kind === kind));
    const kind = random.pick(offered, (one) => kinds[one] ?? 0);
    const name = random.pick(names.filter((one) => one.kind === kind));
    return { name, colour, count, big: random.pick(BIG), small: random.pick(SMALL), some: random.chance(0.5) };
  });
}

/** Nothing before a sentence that has a verb, or that begins otherwise than with an object. */
function openingOf(template: string, wordings: readonly Wording[], random: Random): string {
  const first = firstWording(template, wordings);
  if (first === null || template.includes('{is ')) return '';
  const openings = [...OPENINGS, ...(isPlural(first) ? OPENINGS_ARE : OPENINGS_IS)];
  return random.pick(openings, ({ share }) => share).text;
}

/** "there are" of one sentence is "there is" of another that begins with a single thing. */
function agreeing(opening: string, template: string, wordings: readonly Wording[]): string {
  const first = firstWording(template, wordings);
  if (first === null) return opening;
  const [others, right] = isPlural(first) ? [OPENINGS_IS, OPENINGS_ARE] : [OPENINGS_ARE, OPENINGS_IS];
  return right[others.findIndex(({ text }) => text === opening)]?.text ?? opening;
}

/** "on the beach in the rain", each part with its chance. */
function wherever({ setting }: Subject, random: Random, chances: Pick<Manner, 'place' | 'weather'>): string {
  const { background, weather } = setting;
  const place = random.chance(chances.place) ? random.pick(background.places) : '';
  return join(place, weather !== null && random.chance(chances.weather) ? random.pick(weather.phrases) : '');
}

const join = (...parts: string[]) => parts.filter(Boolean).join(' ');

const capitalised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1).replace(/\bi\b/g, 'I');

/** Most captions are lower case without a full stop; some are written as sentences, a few in capitals. */
function finishing(random: Random): (text: string) => string {
  const chance = random.next();
  if (chance < 0.72) return (text) => text;
  if (chance < 0.9) return (text) => `${capitalised(text)}.`;
  return chance < 0.97 ? capitalised : (text) => text.toUpperCase();
}
