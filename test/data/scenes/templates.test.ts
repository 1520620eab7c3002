import assert from 'node:assert/strict';
import { SENTENCES } from '../../../data/scenes/templates.js';

/** A sentence without its objects, but with the sizes that it gives them. */
function formOf(sentence: string): string {
  return sentence
    .replace(/\{is \w\}/g, 'is')
    .replace(/\{its \w\}/g, 'its')
    .replace(/\{\w(?: one| two)?\}/g, '…')
    .replace(/\{\w (big|small)\}/g, '… $1');
}

describe('sentences', () => {
  it('have a false one each of a form that is true of other pictures, so that words alone do not give it away', () => {
    for (const [layout, { related }] of Object.entries(SENTENCES)) {
      const told = new Set(related.map(([sentence]) => formOf(sentence)));
      for (const [sentence, swapped] of related) {
        assert.notEqual(swapped, sentence);
        assert.ok(told.has(formOf(swapped)), `${layout}: "${swapped}" is never told`);
      }
    }
  });
});
