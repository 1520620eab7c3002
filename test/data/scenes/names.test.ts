import assert from 'node:assert/strict';
import { annotationOf, areAlike, namesOf, unambiguousNames } from '../../../data/scenes/names.js';
import { OBJECTS } from '../../../data/scenes/objects.js';

function find(noun: string) {
  const object = OBJECTS.find((candidate) => candidate.noun === noun);
  assert.ok(object, noun);
  return object;
}

const texts = (noun: string, kind: string) =>
  namesOf(find(noun))
    .filter((name) => name.kind === kind)
    .map(({ text }) => text);

describe('namesOf', () => {
  it('knows what Unicode says of every object', () => {
    for (const object of OBJECTS) assert.ok(annotationOf(object).keywords.length > 0, object.noun);
  });

  it('tells kinds by subgroup', () => {
    assert.deepEqual(texts('fox', 'hypernym'), ['animal']);
    assert.deepEqual(texts('owl', 'hypernym'), ['bird', 'animal']);
    assert.deepEqual(texts('banana', 'hypernym'), ['fruit', 'food']);
    assert.deepEqual(texts('violin', 'hypernym'), ['musical instrument']);
    assert.deepEqual(texts('castle', 'hypernym'), ['building']);
    assert.ok(OBJECTS.filter((object) => texts(object.noun, 'hypernym').length > 0).length > 150);
  });

  it('does not repeat what Unicode files wrongly', () => {
    for (const [noun, kind] of [
      ['spider', 'insect'],
      ['snail', 'insect'],
      ['mushroom', 'plant'],
      ['chair', 'vehicle'],
      ['tomato', 'fruit'],
      ['anchor', 'vehicle'],
      ['ring', 'piece of clothing'],
      ['dragon', 'animal'],
    ] as const) {
      assert.ok(!texts(noun, 'hypernym').includes(kind), `${noun}: ${kind}`);
    }
  });

  it('takes most synonyms from the annotations', () => {
    const annotated = OBJECTS.flatMap((object) => {
      const words = [object.icon.replaceAll('-', ' '), ...annotationOf(object).keywords].join(' ');
      return texts(object.noun, 'synonym').map((synonym) => words.includes(synonym));
    });
    assert.ok(annotated.filter(Boolean).length > annotated.length * 0.6);
  });

  it('gives synonyms that mean no other object', () => {
    const nouns = new Set(OBJECTS.flatMap(({ noun, plural }) => [noun, plural]));
    const synonyms = OBJECTS.flatMap(({ noun }) => texts(noun, 'synonym'));
    const hypernyms = new Set(OBJECTS.flatMap(({ noun }) => texts(noun, 'hypernym')));
    assert.equal(new Set(synonyms).size, synonyms.length);
    assert.ok(synonyms.length > 80);
    for (const synonym of synonyms) assert.ok(!nouns.has(synonym) && !hypernyms.has(synonym), synonym);
  });

  it('forms plurals of what is counted', () => {
    const plural = (noun: string, text: string) => namesOf(find(noun)).find((name) => name.text === text)?.plural;
    assert.equal(plural('dog', 'puppy'), 'puppies');
    assert.equal(plural('flashlight', 'torch'), 'torches');
    assert.equal(plural('hat', 'piece of clothing'), 'pieces of clothing');
    assert.equal(plural('milk', 'drink'), 'drinks');
    assert.equal(plural('burger', 'food'), null);
    assert.equal(plural('spaghetti', 'pasta'), null);
  });
});

describe('areAlike', () => {
  it('finds what could be called like the other', () => {
    const alike = (a: string, b: string) => areAlike(find(a), find(b));
    assert.deepEqual([alike('tree', 'palm tree'), alike('owl', 'bird'), alike('cat', 'cat')], [true, true, true]);
    assert.deepEqual([alike('owl', 'dove'), alike('cat', 'dog'), alike('dog', 'hot dog')], [false, false, false]);
  });
});

describe('unambiguousNames', () => {
  it('leaves out what another object in the picture is, too', () => {
    const names = (noun: string, ...others: string[]) =>
      unambiguousNames(find(noun), others.map(find)).map(({ text }) => text);
    assert.deepEqual(names('fox', 'castle'), ['fox', 'animal']);
    assert.deepEqual(names('fox', 'dog'), ['fox']);
    assert.deepEqual(names('owl', 'cat'), ['owl', 'bird']);
    assert.deepEqual(names('owl', 'bird'), ['owl']);
    assert.deepEqual(names('bird', 'owl'), ['bird']);
  });
});
