import assert from 'node:assert/strict';
import { SERVER_DEFAULTS } from '../../server/main.js';
import { parse, searchParameters } from '../../server/parameters.js';

const schema = searchParameters(SERVER_DEFAULTS.limits);

describe('searchParameters', () => {
  const refused: [string, unknown, RegExp][] = [
    ['zero hits', { text: 'a', k: '0' }, /^k: expected a whole number from 1 to 100\.$/],
    ['too many hits', { text: 'a', k: '101' }, /^k: /],
    ['half a hit', { text: 'a', k: 1.5 }, /^k: /],
    ['a number written otherwise', { text: 'a', k: '0x10' }, /^k: /],
    ['an empty number', { text: 'a', rerankPairs: '' }, /^rerankPairs: expected a whole number from 0/],
    ['null', { text: 'a', candidates: null }, /^candidates: /],
    ['a repeated parameter', { text: ['a', 'b'] }, /^text: expected one text/],
    ['a very long text', { text: 'a'.repeat(2_001) }, /^text: expected at most 2000 characters/],
    ['an unknown target', { imageId: 1, target: 'video' }, /^target: expected images or captions/],
    ['an id beyond 32 bits', { imageId: 2 ** 32 }, /^imageId: /],
    ['an unknown source', { text: 'a', sources: 'nearest,titles' }, /^sources: expected nearest, captions or both\.$/],
    ['no source', { text: 'a', sources: '' }, /^sources: expected/],
    ['an empty list of sources', { text: 'a', sources: [] }, /^sources: expected/],
    ['a source that is no text', { text: 'a', sources: [{}] }, /^sources: expected/],
    ['a filter that is no JSON', { text: 'a', filter: 'split=test' }, /^filter: expected JSON, such as /],
    [
      'a very long filter',
      { text: 'a', filter: `"${'a'.repeat(8_000)}"` },
      /^filter: expected at most 8000 characters/,
    ],
    ['an unknown parameter', { text: 'a', candidate: 3 }, /^unknown parameter "candidate"/],
    ['a list for a body', [], /expected/],
    ['no body', undefined, /expected/],
  ];
  for (const [name, value, message] of refused) {
    it(`refuses ${name}`, () => assert.throws(() => parse(schema, value), { code: 'INVALID_ARGUMENT', message }));
  }

  it('names every parameter that is wrong', () => {
    assert.throws(() => parse(schema, { text: 1, k: 0 }), { message: /text: .*; k: / });
  });

  it('reads sources and filters from URLs and from JSON alike', () => {
    const expected = { text: 'a', sources: ['nearest', 'captions'], filter: { field: 'year', eq: 2014 } };
    assert.deepEqual(parse(schema, expected), expected);
    const texts = { text: 'a', sources: 'nearest,captions', filter: '{"field":"year","eq":2014}' };
    assert.deepEqual(parse(schema, texts), expected);
  });

  it('reads numbers from URLs and from JSON alike', () => {
    const expected = { text: 'a fox', k: 5, candidates: 16, rerankPairs: 0, rerankMilliseconds: 100 };
    assert.deepEqual(parse(schema, expected), expected);
    const texts = { text: 'a fox', k: '5', candidates: '16', rerankPairs: '0', rerankMilliseconds: '100' };
    assert.deepEqual(parse(schema, texts), expected);
  });
});
