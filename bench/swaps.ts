import { article, BIG, SMALL } from '../data/scenes/phrases.js';

export interface Swap {
  relation: string;
  /** The caption with its relation exchanged: false of the picture. */
  swapped: string;
}

/** An object of a drawn scene, as far as captions name it. */
export interface NamedObject {
  noun: string;
  plural?: string | null;
  colour?: string | null;
}

/** What the layouts of data/scenes show, and the words that tell it. */
const RELATIONS: Record<string, { relation: string; words: RegExp }> = {
  beside: { relation: 'left/right', words: /\b(?:left|right)\b/ },
  // "Under the stars" says where, not what is above what.
  stacked: {
    relation: 'above/below',
    words:
      /\b(?:above|below|underneath|on top|(?:over|under)(?! (?:the (?:stars|sky|sun|moon|clouds|night sky)|water)\b))\b/,
  },
  sizes: { relation: 'big/small', words: new RegExp(`\\b(?:${[...BIG, ...SMALL].join('|')})\\b`) },
  front: { relation: 'in front of/behind', words: /\b(?:in front of|behind)\b/ },
};

const SIZE = RELATIONS.sizes.words.source;

/**
 * A caption that tells how two objects are arranged, with the two exchanged; null where it does not. Objects are exchanged
 * rather than the word between them: of "a fox on top and an owl underneath" that would make a form of words that is
 * never true, by which words alone would tell.
 */
export function swap(caption: string, layout: string | undefined, objects: readonly NamedObject[]): Swap | null {
  const told = RELATIONS[layout ?? ''];
  if (told === undefined || !told.words.test(caption) || objects.length !== 2) return null;
  const phrases = objects.map((object) => find(caption, object));
  const [first, second] = phrases.toSorted((a, b) => (a?.index ?? 0) - (b?.index ?? 0));
  if (!first || !second || first.index + first[0].length > second.index) return null;
  const parts = [
    caption.slice(0, first.index),
    putInto(first, second),
    caption.slice(first.index + first[0].length, second.index),
    putInto(second, first),
    caption.slice(second.index + second[0].length),
  ];
  return { relation: told.relation, swapped: parts.join('') };
}

/** "a big red fox": an article, what size it is said to have, and a name. */
function find(caption: string, { noun, plural, colour }: NamedObject): RegExpExecArray | null {
  const names = [plural, noun]
    .filter((name) => typeof name === 'string')
    .map((name) => (colour ? `${colour} ${name}` : name));
  return new RegExp(`\\b(an?|some) (${SIZE} )?(${names.map(escape).join('|')})\\b`).exec(caption);
}

/** The size stays where it is told, and the article goes with the name. */
function putInto([, , size = '']: RegExpExecArray, [, before, , name]: RegExpExecArray): string {
  const sized = size + name;
  return `${before === 'some' ? 'some' : article(sized)} ${sized}`;
}

const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
