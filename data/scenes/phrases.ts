import type { Colour } from './art.js';
import type { Name } from './names.js';

export const NUMBERS = ['no', 'one', 'two', 'three', 'four'] as const;
export const BIG = ['big', 'large', 'huge'] as const;
export const SMALL = ['small', 'tiny', 'little'] as const;

/** How one caption speaks of one object. */
export interface Wording {
  name: Name;
  /** null unless the picture is tinted. */
  colour: Colour | null;
  count: number;
  /** Adjectives of size, should the sentence ask for one. */
  big: string;
  small: string;
  /** Whether what is not counted takes "some". */
  some: boolean;
}

const words = (...parts: (string | null | undefined)[]) => parts.filter(Boolean).join(' ');

/** By sound: "an hourglass". */
const article = (name: string) => (/^([aeiou]|hour)/.test(name) ? 'an' : 'a');

export const isPlural = ({ name, count }: Wording) => count > 1 || name.number === 'plural';

/** "a big red fox", "two mice", "some milk", "grapes". */
export function phrase(wording: Wording, size?: string): string {
  const { name, colour, count, some } = wording;
  if (count > 1) return words(NUMBERS[count], size, colour, name.plural);
  const noun = words(size, colour, name.text);
  if (name.number === 'countable') return `${article(noun)} ${noun}`;
  return some ? `some ${noun}` : noun;
}

/** "the red fox", "the two mice". */
function definite({ name, colour, count }: Wording): string {
  return count > 1 ? words('the', NUMBERS[count], colour, name.plural) : words('the', colour, name.text);
}

/** "red fox", "two mice": without an article. */
export function bare({ name, colour, count }: Wording): string {
  return count > 1 ? words(NUMBERS[count], colour, name.plural) : words(colour, name.text);
}

const PLACEHOLDER = /\{(?:(the|is|its) )?([a-d])(?: (\w+))?\}/g;

/** The first object that a sentence of templates.ts names; null where other words come first. */
export const firstOf = (template: string): 'a' | 'b' | 'c' | 'd' | null =>
  (/^\{([a-d])[ }]/.exec(template)?.[1] as 'a' | 'b' | 'c' | 'd' | undefined) ?? null;

/** How a sentence of templates.ts speaks of what it names first; null where other words come first. */
export function firstWording(template: string, wordings: readonly Wording[]): Wording | null {
  const wording = wordings['abcd'.indexOf(firstOf(template) ?? 'x')];
  if (wording === undefined) return null;
  const number = /^\{[a-d] (one|two)\}/.exec(template)?.[1];
  return number === undefined ? wording : { ...wording, count: number === 'one' ? 1 : 2 };
}

/** Fills in a sentence of templates.ts; `wordings` are those of a to d. */
export function fillSentence(template: string, wordings: readonly Wording[], frame: string): string {
  return template.replace('{frame}', frame).replace(PLACEHOLDER, (_, before: string, object: string, after: string) => {
    const wording = wordings['abcd'.indexOf(object)];
    if (wording === undefined) throw new RangeError(`"${template}" names more objects than there are.`);
    if (before === 'the') return definite(wording);
    if (before === 'is') return isPlural(wording) ? 'are' : 'is';
    if (before === 'its') return isPlural(wording) ? 'their' : 'its';
    if (after === 'big') return phrase(wording, wording.big);
    if (after === 'small') return phrase(wording, wording.small);
    if (after === 'one') return phrase({ ...wording, count: 1 });
    if (after === 'two') return phrase({ ...wording, count: 2 });
    return phrase(wording);
  });
}

/** The words of a sentence that are not placeholders. */
export const ownWords = (template: string) => template.replace('{frame}', '').replace(PLACEHOLDER, '');

/** The words of a caption as Karpathy's files have them: lower case, punctuation left out. */
export function tokensOf(caption: string): string[] {
  return caption
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s]/gu, '')
    .split(/\s+/)
    .filter(Boolean);
}
