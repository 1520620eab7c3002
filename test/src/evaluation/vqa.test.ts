import assert from 'node:assert/strict';
import { answerAccuracy, normalizeAnswer, VqaTally } from '../../../src/evaluation/vqa.js';

/** `counts` people who gave each answer. */
function people(counts: Record<string, number>): string[] {
  return Object.entries(counts).flatMap(([answer, count]) => Array<string>(count).fill(answer));
}

describe('VQA accuracy', () => {
  it('averages min(matches / 3, 1) over the ten who leave one out', () => {
    // Of four who said so, each one's nine others hold three or four: 1 for all ten.
    assert.equal(answerAccuracy('red', people({ red: 4, blue: 6 })), 1);
    // Three who said so: their own nine others hold two (2/3), the others' hold three (1): (3 · 2/3 + 7 · 1) / 10.
    assert.ok(Math.abs(answerAccuracy('red', people({ red: 3, blue: 7 })) - 0.9) < 1e-12);
    assert.ok(Math.abs(answerAccuracy('red', people({ red: 2, blue: 8 })) - (2 * (1 / 3) + 8 * (2 / 3)) / 10) < 1e-12);
    assert.ok(Math.abs(answerAccuracy('red', people({ red: 1, blue: 9 })) - (9 * (1 / 3)) / 10) < 1e-12);
    assert.equal(answerAccuracy('green', people({ red: 1, blue: 9 })), 0);
    assert.ok(Number.isNaN(answerAccuracy('green', [])));
  });

  it('normalises both sides where people differ, and neither where all agree', () => {
    assert.equal(answerAccuracy('the 2 dogs', people({ 'two dogs': 5, 'A two dogs.': 4, cats: 1 })), 1);
    assert.equal(answerAccuracy('a dog', people({ dog: 10 })), 0);
    assert.equal(answerAccuracy(' Dog\n', people({ dog: 10 })), 1);
    assert.equal(answerAccuracy('a dog', people({ dog: 9, puppy: 1 })), 1);
  });

  it('normalises as the official evaluation does', () => {
    const cases = {
      'The cat.': 'cat',
      'an apple, a pear': 'apple pear',
      'red/white': 'red white',
      'red / white': 'red white',
      '1,000': '1000',
      '3.5': '3.5',
      'at 3. pm': 'at 3 pm',
      none: '0',
      'Ten or eleven': '10 or eleven',
      'dont know': "don't know",
      "they'dve": "they'd've",
      "theyd've": "they'd've",
      "o'clock": "o'clock",
      "10:30 o'clock": "10:30 o'clock",
      oclock: "o'clock",
      lets: 'lets',
      "somebody'd": 'somebodyd',
      't-shirt': 't shirt',
      'yes!': 'yes',
      'a the an': '',
      'tab\tand\nline': 'tab and line',
    };
    for (const [answer, normal] of Object.entries(cases)) assert.equal(normalizeAnswer(answer), normal, answer);
  });

  it('adds up by kind of answer', () => {
    const tally = new VqaTally();
    assert.deepEqual(tally.summary(), { questions: 0, accuracy: null, answerTypes: {} });
    tally.add('other', 0.5);
    tally.add('yes/no', 1);
    tally.add('other', 0);
    tally.add('number', 0.3);
    assert.deepEqual(tally.summary(), {
      questions: 4,
      accuracy: 45,
      answerTypes: {
        'yes/no': { questions: 1, accuracy: 100 },
        number: { questions: 1, accuracy: 30 },
        other: { questions: 2, accuracy: 25 },
      },
    });
    assert.deepEqual(Object.keys(tally.summary().answerTypes), ['yes/no', 'number', 'other']);
  });
});
