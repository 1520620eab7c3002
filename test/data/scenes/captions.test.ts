import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { COLOUR_NAMES } from '../../../data/scenes/art.js';
import { BACKGROUNDS } from '../../../data/scenes/backgrounds.js';
import { phrase, writeCaptions, type Thing } from '../../../data/scenes/captions.js';
import { LAYOUTS } from '../../../data/scenes/layouts.js';
import { OBJECTS } from '../../../data/scenes/objects.js';
import { Random } from '../../../data/scenes/random.js';
import { BUNDLED_MODEL } from '../../../src/paths.js';

function thing(noun: string, more: Partial<Thing> = {}): Thing {
  const object = OBJECTS.find((candidate) => candidate.noun === noun);
  assert.ok(object, noun);
  return { object, colour: null, count: 1, ...more };
}

/** Word pieces of a lower-case text, longest first as in BERT; null for a word that the vocabulary cannot spell. */
function wordPieces(text: string, vocabulary: Set<string>): (string | null)[] {
  return (text.match(/[a-z]+|[^a-z\s]/g) ?? []).flatMap((word) => {
    const pieces: string[] = [];
    for (let start = 0; start < word.length;) {
      let end = word.length;
      while (end > start && !vocabulary.has((start > 0 ? '##' : '') + word.slice(start, end))) end--;
      if (end === start) return [null];
      pieces.push(word.slice(start, end));
      start = end;
    }
    return pieces;
  });
}

describe('phrase', () => {
  const random = new Random(1);

  it('takes the article that is spoken', () => {
    assert.equal(phrase(thing('cat'), random), 'a cat');
    assert.equal(phrase(thing('owl'), random), 'an owl');
    assert.equal(phrase(thing('hourglass'), random), 'an hourglass');
    assert.equal(phrase(thing('cat', { colour: 'orange' }), random), 'an orange cat');
    assert.equal(phrase(thing('owl', { colour: 'red' }), random, 'big'), 'a big red owl');
  });

  it('counts', () => {
    assert.equal(phrase(thing('mouse', { count: 3, colour: 'blue' }), random), 'three blue mice');
    assert.equal(phrase(thing('milk', { count: 2 }), random), 'two glasses of milk');
  });

  it('gives mass nouns and plurals "some" or nothing', () => {
    for (const noun of ['honey', 'ice', 'spaghetti', 'bread', 'scissors', 'cherries']) {
      const phrases = new Set(Array.from({ length: 50 }, () => phrase(thing(noun), random)));
      assert.deepEqual(phrases, new Set([noun, `some ${noun}`]));
    }
  });
});

describe('writeCaptions', () => {
  /** Captions of every object in every layout that suits it, untinted and in one of the colours. */
  function* everything() {
    const random = new Random(2);
    for (const layout of LAYOUTS) {
      const suitable = OBJECTS.filter((object) => layout.suits(object));
      for (const [i, object] of suitable.entries()) {
        const others = [1, 2].map((step) => suitable[(i + step) % suitable.length] ?? object);
        const things = [object, ...others].slice(0, layout.objects).map((drawn, j) => ({
          object: drawn,
          colour: drawn.tintable ? (COLOUR_NAMES[(i + j) % COLOUR_NAMES.length] ?? null) : null,
          count: layout.name === 'many' ? 2 + (i % 3) : 1,
        }));
        for (const tinted of [true, false]) {
          const shown = tinted ? things : things.map((one) => ({ ...one, colour: null }));
          const { places } = random.pick(BACKGROUNDS);
          yield { things: shown, captions: writeCaptions({ layout: layout.name, things: shown, places, random }) };
        }
      }
    }
  }

  it('writes five captions that name every object', () => {
    for (const { things, captions } of everything()) {
      assert.equal(captions.length, 5);
      for (const { object, count } of things) {
        const name = count > 1 ? object.plural : object.noun;
        for (const caption of captions) assert.match(caption, new RegExp(`\\b${name}\\b`));
      }
    }
  });

  it('never puts "a" or "an" before a mass noun or a plural, nor "is" before a plural', () => {
    const uncounted = OBJECTS.filter(({ number }) => number !== 'countable').map(({ noun }) => noun);
    const plurals = OBJECTS.filter(({ number }) => number === 'plural').map(({ noun }) => noun);
    const adjectives = `(?:(?:big|large|huge|small|tiny|little|${COLOUR_NAMES.join('|')}) )*`;
    const wrong = [
      new RegExp(`\\ban? ${adjectives}(?:${uncounted.join('|')})\\b(?! cream)`),
      new RegExp(`\\bis (?:some )?${adjectives}(?:${plurals.join('|')})\\b`),
      /\ba (?:(?!one|uni)[aeiou]|hour)|\ban (?!hour)[^aeiou]/,
    ];
    for (const { captions } of everything()) {
      for (const caption of captions) {
        for (const pattern of wrong) assert.doesNotMatch(caption, pattern);
      }
    }
  });

  it("stays inside the bundled model's vocabulary and its 40 tokens", () => {
    const vocabulary = new Set(readFileSync(path.join(BUNDLED_MODEL, 'vocab.txt'), 'utf8').trim().split('\n'));
    const unknown = new Set<string>();
    let longest = 0;
    const check = (text: string) => {
      const pieces = wordPieces(text, vocabulary);
      longest = Math.max(longest, pieces.length + 2);
      if (pieces.includes(null)) unknown.add(text);
    };
    for (const { captions } of everything()) captions.forEach(check);
    for (const { places } of BACKGROUNDS) places.forEach(check);
    check('a zebra');
    assert.ok(unknown.delete('a zebra'));
    assert.deepEqual([...unknown], []);
    assert.ok(longest > 10 && longest <= 40, `longest ${longest}`);
  });
});
