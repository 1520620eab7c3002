import assert from 'node:assert/strict';
import { swap } from '../../bench/swaps.js';

const FOX = { noun: 'fox', plural: 'foxes', colour: 'red' };
const OWL = { noun: 'owl', plural: 'owls', colour: null };
const MILK = { noun: 'milk', plural: 'glasses of milk' };

const swapped = (caption: string, layout: string, ...objects: Parameters<typeof swap>[2]) =>
  swap(caption, layout, objects)?.swapped;

describe('swap', () => {
  it('has nothing for a caption that tells no relation, or not of two objects that are known', () => {
    assert.equal(swap('a red fox and an owl side by side', 'beside', [FOX, OWL]), null);
    assert.equal(swap('a red fox and an owl under the stars', 'stacked', [FOX, OWL]), null);
    assert.equal(swap('a red fox left of a bus', 'beside', [FOX, OWL]), null);
    assert.equal(swap('a red fox left of an owl', 'beside', [FOX]), null);
    assert.equal(swap('a red fox left of an owl', undefined, [FOX, OWL]), null);
    assert.equal(swap('a red fox left of an owl', 'row', [FOX, OWL]), null);
  });

  it('exchanges the objects, so that no form of words gives it away', () => {
    assert.deepEqual(swap('at night, an owl right of a red fox', 'beside', [FOX, OWL]), {
      relation: 'left/right',
      swapped: 'at night, a red fox right of an owl',
    });
    assert.equal(
      swapped('a red fox on top and an owl underneath', 'stacked', FOX, OWL),
      'an owl on top and a red fox underneath',
    );
  });

  it('leaves a size where it is told, and articles with what they belong to', () => {
    assert.equal(swapped('a big owl beside a red fox', 'sizes', FOX, OWL), 'a big red fox beside an owl');
    const hourglass = { noun: 'hourglass', plural: 'hourglasses' };
    assert.equal(swapped('a big hourglass beside an owl', 'sizes', hourglass, OWL), 'a big owl beside an hourglass');
    assert.equal(swapped('an owl and some tiny milk', 'sizes', MILK, OWL), 'some milk and a tiny owl');
  });
});
