import assert from 'node:assert/strict';
import { readOptions, type SearchOptions } from '../../src/options.js';

const TEXT = { text: 'a fox' };
const IMAGE = { image: 'fox.jpg' };

describe('readOptions', () => {
  const sources: [string, unknown][] = [
    ['an unknown source', ['nearest', 'titles']],
    ['no source', []],
    ['a source that is no list', 'nearest'],
    ['null for sources', null],
    ['a list of lists', [['nearest']]],
  ];
  for (const [name, value] of sources) {
    it(`refuses ${name}`, () => {
      assert.throws(() => readOptions({ ...TEXT, sources: value as never }), {
        code: 'INVALID_ARGUMENT',
        message: `sources should be nearest, captions or both, not ${JSON.stringify(value)}.`,
      });
    });
  }

  it('refuses the words of captions where an image is searched with', () => {
    for (const target of ['images', 'captions'] as const) {
      for (const value of [['captions'], ['nearest', 'captions']] as SearchOptions['sources'][]) {
        assert.throws(() => readOptions({ ...IMAGE, target, sources: value }), {
          code: 'INVALID_ARGUMENT',
          message: /^sources should be nearest alone where an image is searched with, not \[.*"captions"\]\.$/,
        });
      }
    }
  });

  const filters: [string, unknown, RegExp][] = [
    ['null', null, /^filter: expected an object/],
    ['JSON that was not read', '{"field":"split","eq":"test"}', /^filter: expected an object/],
    ['a list', [], /^filter: expected an object/],
    ['nothing in it', {}, /^filter has no condition/],
    ['an operator that is none', { field: 'split', equals: 'test' }, /^filter has no key "equals"/],
    ['SQL for an operator', { field: 'split', "eq' OR 1=1 --": 1 }, /^filter has no key/],
    [
      'a mistake further down',
      { and: [{ field: 'a', eq: 1 }, { not: { field: 'b', range: {} } }] },
      /^filter\.and\[1\]\.not\.range /,
    ],
    ['a list to compare with', { field: 'a', eq: [1] }, /^filter\.eq: expected/],
  ];
  for (const [name, value, message] of filters) {
    it(`refuses a filter with ${name}`, () => {
      assert.throws(() => readOptions({ ...TEXT, filter: value as never }), { code: 'INVALID_ARGUMENT', message });
    });
  }

  it('has both sources for a text and nearest for an image when it is not said', () => {
    assert.deepEqual(readOptions(TEXT).sources, ['nearest', 'captions']);
    assert.deepEqual(readOptions({ ...TEXT, sources: undefined }).sources, ['nearest', 'captions']);
    assert.deepEqual(readOptions({ ...TEXT, sources: ['captions'] }).sources, ['captions']);
    assert.deepEqual(readOptions(IMAGE).sources, ['nearest']);
    assert.deepEqual(readOptions({ ...IMAGE, target: 'images', sources: ['nearest'] }).sources, ['nearest']);
  });

  it('takes a copy of the filter, which its caller may change', () => {
    const filter = { and: [{ field: 'split', eq: 'test' }] };
    const options = readOptions({ ...IMAGE, filter });
    filter.and.push({ field: 'split', eq: 'train' });
    assert.deepEqual(options.filter, { and: [{ field: 'split', eq: 'test' }] });
    assert.equal(readOptions(TEXT).filter, undefined);
  });
});
