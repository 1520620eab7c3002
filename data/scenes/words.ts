import { COLOUR_NAMES } from './art.js';
import { BACKGROUNDS } from './backgrounds.js';
import { FRAMES } from './frames.js';
import { namesOf } from './names.js';
import { OBJECTS } from './objects.js';
import { BIG, NUMBERS, ownWords, SMALL } from './phrases.js';
import { OPENINGS, OPENINGS_ARE, OPENINGS_IS, SENTENCES } from './templates.js';
import { WEATHERS } from './weather.js';

/** What phrases put around names. */
const LITTLE_WORDS = ['a', 'an', 'the', 'some', 'is', 'are', 'its', 'their', 'and'];

/** Every word that a caption may hold, lower case, in order: what a model trained on scenes alone has to know. */
export function captionWords(): string[] {
  const sentences = Object.values(SENTENCES).flatMap(({ related, unrelated, second }) => [
    ...related.flat(),
    ...unrelated,
    ...second,
  ]);
  const texts = [
    ...OBJECTS.flatMap(namesOf).flatMap(({ text, plural }) => [text, plural ?? '']),
    ...COLOUR_NAMES,
    ...NUMBERS.slice(2),
    ...BIG,
    ...SMALL,
    ...BACKGROUNDS.flatMap(({ places, word }) => [...places, word]),
    ...WEATHERS.flatMap(({ phrases, sentence, word }) => [...phrases, sentence, word]),
    ...FRAMES.flatMap(({ phrases, word }) => [...phrases, word]),
    ...[...OPENINGS, ...OPENINGS_IS, ...OPENINGS_ARE].map(({ text }) => text),
    ...sentences.map(ownWords),
    ...LITTLE_WORDS,
  ];
  const words = texts.flatMap((text) => text.toLowerCase().match(/[a-z]+/g) ?? []);
  return [...new Set(words)].sort();
}
