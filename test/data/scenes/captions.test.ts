import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { COLOUR_NAMES } from '../../../data/scenes/art.js';
import { BACKGROUNDS } from '../../../data/scenes/backgrounds.js';
import { writeCaptions, type Caption, type Subject } from '../../../data/scenes/captions.js';
import { FRAMES } from '../../../data/scenes/frames.js';
import { LAYOUTS } from '../../../data/scenes/layouts.js';
import { namesOf, type Name } from '../../../data/scenes/names.js';
import { OBJECTS } from '../../../data/scenes/objects.js';
import { phrase, tokensOf, type Wording } from '../../../data/scenes/phrases.js';
import { Random } from '../../../data/scenes/random.js';
import { WEATHERS } from '../../../data/scenes/weather.js';
import { captionWords } from '../../../data/scenes/words.js';
import { BUNDLED_VOCABULARY } from '../../../src/paths.js';

function wording(text: string, more: Partial<Wording> = {}): Wording {
  const name = OBJECTS.flatMap(namesOf).find((candidate) => candidate.text === text);
  assert.ok(name, text);
  return { name, colour: null, count: 1, big: 'big', small: 'tiny', some: false, ...more };
}

describe('phrase', () => {
  it('takes the article that is spoken', () => {
    assert.equal(phrase(wording('cat')), 'a cat');
    assert.equal(phrase(wording('owl')), 'an owl');
    assert.equal(phrase(wording('hourglass')), 'an hourglass');
    assert.equal(phrase(wording('animal')), 'an animal');
    assert.equal(phrase(wording('cat', { colour: 'orange' })), 'an orange cat');
    assert.equal(phrase(wording('owl', { colour: 'red' }), 'big'), 'a big red owl');
  });

  it('counts', () => {
    assert.equal(phrase(wording('mouse', { count: 3, colour: 'blue' })), 'three blue mice');
    assert.equal(phrase(wording('milk', { count: 2 })), 'two glasses of milk');
    assert.equal(phrase(wording('puppy', { count: 2 })), 'two puppies');
  });

  it('gives mass nouns and plurals "some" or nothing', () => {
    for (const noun of ['honey', 'ice', 'spaghetti', 'bread', 'scissors', 'cherries', 'pasta', 'fries', 'food']) {
      assert.equal(phrase(wording(noun)), noun);
      assert.equal(phrase(wording(noun, { some: true })), `some ${noun}`);
    }
  });
});

describe('writeCaptions', () => {
  interface Written {
    subject: Subject;
    captions: Caption[];
  }
  const written: Written[] = [];

  /** Captions of every object in every layout that suits it, untinted and in one of the colours. */
  before(() => {
    const random = new Random(2);
    for (const layout of LAYOUTS) {
      const suitable = OBJECTS.filter((object) => layout.suits(object));
      for (const [i, object] of suitable.entries()) {
        const others = [1, 2, 3].map((step) => suitable[(i + step) % suitable.length] ?? object);
        const things = [object, ...others].slice(0, layout.objects).map((drawn, j) => ({
          object: drawn,
          colour: drawn.tintable ? (COLOUR_NAMES[(i + j) % COLOUR_NAMES.length] ?? null) : null,
          count: layout.name === 'many' ? 2 + (i % 3) : layout.name === 'between' ? j + 1 : 1,
        }));
        for (const tinted of [true, false]) {
          const background = random.pick(BACKGROUNDS);
          const weather = background.horizon === null ? null : random.pick(WEATHERS);
          const subject: Subject = {
            layout: layout.name,
            things: tinted ? things : things.map((one) => ({ ...one, colour: null })),
            setting: { background, weather },
            frame: layout.framed ? random.pick(FRAMES) : null,
          };
          written.push({ subject, captions: writeCaptions(subject, random) });
        }
      }
    }
  });

  const texts = () =>
    written
      .flatMap(({ captions }) => captions.flatMap(({ text, swapped }) => (swapped === null ? [text] : [text, swapped])))
      .map((text) => text.toLowerCase());

  it('writes five different captions that name every object, the first by names of its own', () => {
    for (const { subject, captions } of written) {
      assert.equal(new Set(captions.map(({ text }) => tokensOf(text).join(' '))).size, 5);
      for (const { object, count } of subject.things) {
        const say = (names: readonly Name[]) =>
          new RegExp(`\\b(?:${names.map(({ text, plural }) => (count > 1 ? plural : text)).join('|')})\\b`);
        for (const { text } of captions) assert.match(text.toLowerCase(), say(namesOf(object)));
        const own = namesOf(object).filter(({ kind }) => kind !== 'hypernym');
        assert.match(captions[0]?.text.toLowerCase() ?? '', say(own));
      }
    }
  });

  it('never calls two things in a picture alike', () => {
    for (const { subject, captions } of written) {
      const [a, b] = subject.things.map(({ object }) => namesOf(object).map(({ text }) => text));
      const nouns = subject.things.map(({ object }) => object.noun);
      for (const kind of a?.filter((name) => b?.includes(name) && !nouns.includes(name)) ?? []) {
        const said = new RegExp(`\\ban? (?:(?:${COLOUR_NAMES.join('|')}) )?${kind}\\b`);
        for (const { text } of captions) assert.doesNotMatch(text.toLowerCase(), said);
      }
    }
  });

  it('uses synonyms, hypernyms, lists of words, sentences and capitals', () => {
    const all = written.flatMap(({ captions }) => captions.map(({ text }) => text));
    const share = (pattern: RegExp) => all.filter((text) => pattern.test(text)).length / all.length;
    assert.ok(share(/\b(?:puppy|puppies|bunny|sofa|spectacles|tv)\b/) > 0.001);
    assert.ok(share(/\b(?:animals?|vehicles?|food|fruits?|buildings?|tools?|drinks?)\b/) > 0.02);
    assert.ok(share(/^[A-Z].*\.$/) > 0.08);
    assert.ok(share(/^[A-Z ,.-]+$/) > 0.005);
    assert.ok(share(/^[^.]*\. .*\.$/) > 0.05);
    assert.ok(all.filter((text) => !/\b(?:an?|some|the|is|are)\b/.test(text.toLowerCase())).length > all.length * 0.1);
  });

  it('never puts "a" or "an" before a mass noun or a plural, nor "is" before a plural', () => {
    const names = OBJECTS.flatMap(namesOf);
    const uncounted = names.filter(({ number }) => number !== 'countable').map(({ text }) => text);
    const plurals = names.filter(({ number }) => number === 'plural').map(({ text }) => text);
    const counted = new Set(names.filter(({ number }) => number === 'countable').map(({ text }) => text));
    const always = (list: string[]) => list.filter((text) => !counted.has(text)).join('|');
    const adjectives = `(?:(?:big|large|huge|small|tiny|little|${COLOUR_NAMES.join('|')}) )*`;
    const wrong = [
      new RegExp(`\\ban? ${adjectives}(?:${always(uncounted)})\\b(?! cream)`),
      new RegExp(`\\bis (?:some )?${adjectives}(?:${always(plurals)})\\b`),
      new RegExp(`\\b(?:${always(plurals)}) is\\b`),
      /\ba (?:(?!one|uni)[aeiou]|hour)|\ban (?!hour)[^aeiou]/,
      /\b(?:there|these|here) are an? /,
      new RegExp(`\\b(?:there|this|here) is (?:two|three|four|${always(plurals)})\\b`),
    ];
    for (const text of texts()) {
      for (const pattern of wrong) assert.doesNotMatch(text, pattern);
    }
  });

  it('uses no word outside its list, and all of them', () => {
    const known = captionWords();
    const used = new Set(texts().flatMap((text) => text.match(/[a-z]+/g) ?? []));
    assert.deepEqual(
      [...used].filter((word) => !known.includes(word)),
      [],
    );
    const unused = known.filter((word) => !used.has(word));
    assert.ok(unused.length < known.length * 0.02, `unused: ${unused.join(' ')}`);
    assert.deepEqual(known, [...new Set(known)].sort());
  });

  it("stays within the model's 40 tokens", () => {
    const vocabulary = new Set(readFileSync(BUNDLED_VOCABULARY, 'utf8').trim().split('\n'));
    const tokens = texts().map((text) => piecesOf(text, vocabulary) + 2);
    const longest = Math.max(...tokens);
    assert.ok(longest > 30 && longest <= 40, `${longest}: ${texts()[tokens.indexOf(longest)]}`);
  });
});

/** The number of word pieces of a lower-case text, longest first as in BERT. */
function piecesOf(text: string, vocabulary: Set<string>): number {
  let pieces = 0;
  for (const word of text.match(/[a-z]+|[^a-z\s]/g) ?? []) {
    for (let start = 0; start < word.length; pieces++) {
      let end = word.length;
      while (end > start && !vocabulary.has((start > 0 ? '##' : '') + word.slice(start, end))) end--;
      assert.ok(end > start, `no piece of ${word}`);
      start = end;
    }
  }
  return pieces;
}
