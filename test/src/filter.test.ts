import assert from 'node:assert/strict';
import { checkFilter, FILTER_LIMITS, type Filter } from '../../src/filter.js';

function nested(depth: number): unknown {
  let filter: unknown = { field: 'a', eq: 1 };
  for (let i = 1; i < depth; i++) filter = { not: filter };
  return filter;
}

const many = (count: number) => Array.from({ length: count }, () => ({ field: 'a', eq: 1 }));

describe('filter', () => {
  const refused: [unknown, RegExp, RegExp?][] = [
    [undefined, /^filter: expected an object such as .*, got nothing/],
    [null, /^filter: expected an object such as .*, got null/],
    ['split = test', /^filter: expected an object such as .*, got "split = test"/],
    [[], /^filter: expected an object such as .*, got an array/],
    [{}, /^filter has no condition: expected one of eq, in, range, exists, contains, and, or or not/],
    [{ field: 'split' }, /^filter has no condition/],
    [{ eq: 1 }, /^filter\.field: expected the name of a field, got nothing/],
    [{ field: '', eq: 1 }, /^filter\.field is empty/],
    [{ field: 'a\0b', eq: 1 }, /^filter\.field holds a NUL/],
    [{ field: 'a\ud800', eq: 1 }, /^filter\.field is no valid Unicode/],
    [{ field: 'a', eq: '\udc00b' }, /^filter\.eq is no valid Unicode/],
    [{ field: 7, eq: 1 }, /^filter\.field: expected the name of a field, got 7/],
    [{ feild: 'a', eq: 1 }, /^filter has no key "feild": expected field, eq, in, range/, /Did you mean "field"\?/],
    [{ field: 'a', equals: 1 }, /^filter has no key "equals"/, /"eq"/],
    [{ field: 'a', exist: true }, /^filter has no key "exist"/, /"exists"/],
    [{ AND: [] }, /^filter has no key "AND"/, /"and"/],
    [JSON.parse('{"__proto__":{"field":"a"},"eq":1}'), /^filter has no key "__proto__"/],
    [{ ['x'.repeat(1e6)]: 1 }, /^filter has no key "x{40}…"/],
    [{ field: 'a', eq: 1, in: [1] }, /^filter has both "eq" and "in"/, /"and"/],
    [{ and: [], or: [] }, /^filter has both "and" and "or"/],
    [{ field: 'a', and: [] }, /^filter has "and", which goes without "field"/],
    [{ and: {} }, /^filter\.and: expected an array of filters, got an object/],
    [{ and: [null] }, /^filter\.and\[0\]: expected an object/],
    [{ not: [] }, /^filter\.not: expected an object/],
    [
      {
        and: [
          { field: 'a', eq: 1 },
          { field: 'a', range: {} },
        ],
      },
      /^filter\.and\[1\]\.range has no bound: expected one or more of gt, gte, lt or lte/,
    ],
    [{ or: [{ not: { field: 'a', eq: {} } }] }, /^filter\.or\[0\]\.not\.eq: expected a string, a number/],
    [{ field: 'a', eq: undefined }, /^filter\.eq: expected .*, got nothing/],
    [{ field: 'a', eq: NaN }, /^filter\.eq: expected .*, got NaN/],
    [{ field: 'a', eq: Infinity }, /^filter\.eq/],
    [{ field: 'a', eq: 10n }, /^filter\.eq/],
    [{ field: 'a', eq: [1] }, /^filter\.eq: expected .*, got an array/],
    [{ field: 'a', in: 'abc' }, /^filter\.in: expected an array of values, got "abc"/],
    [{ field: 'a', in: [1, [2]] }, /^filter\.in\[1\]/],
    [{ field: 'a', in: new Array(1001).fill(1) }, /^filter\.in has 1001 values, expected at most 1000/],
    [{ field: 'a', in: new Array(3) }, /^filter\.in\[0\]: expected .*, got nothing/],
    [{ field: 'a', range: 5 }, /^filter\.range: expected an object such as/],
    [{ field: 'a', range: { min: 5 } }, /^filter\.range has no key "min"/, /^$/],
    [{ field: 'a', range: { gtee: 5 } }, /^filter\.range has no key "gtee"/, /"gte"/],
    [{ field: 'a', range: { gt: true } }, /^filter\.range\.gt: expected a number or a string, got true/],
    [{ field: 'a', range: { gt: 1, lt: 'b' } }, /^filter\.range has a number and a string for bounds/],
    [{ field: 'a', exists: 'yes' }, /^filter\.exists: expected true or false, got "yes"/],
    [{ field: 'a', contains: 5 }, /^filter\.contains: expected a string, got 5/],
    [{ field: 'a', eq: 'x'.repeat(4097) }, /^filter\.eq has 4097 characters, expected at most 4096/],
    [nested(17), /^filter(\.not){16} is nested more than 16 levels deep/],
    [{ and: many(200) }, /^filter\.and\[199\] is one condition too many, of 200/],
    [{ and: many(201) }, /^filter\.and has 201 filters, expected at most 200/],
    [
      { or: Array.from({ length: 2 }, () => ({ field: 'a', in: new Array(200).fill('x'.repeat(4000)) })) },
      /^The strings of the filter have more than 1000000 characters, up to filter\.or\[1\]\.in/,
    ],
  ];
  refused.forEach(([value, message, hint], i) => {
    it(`refuses what is not one, saying where (${i + 1}): ${message.source}`, () => {
      assert.throws(() => checkFilter(value), { name: 'PatchwordError', code: 'INVALID_ARGUMENT', message });
      if (hint)
        assert.throws(
          () => checkFilter(value),
          (error: { hint?: string }) => hint.test(error.hint ?? ''),
        );
    });
  });

  it('refuses one that holds itself', () => {
    const loop: { not?: unknown } = {};
    loop.not = loop;
    assert.throws(() => checkFilter(loop), { code: 'INVALID_ARGUMENT', message: /nested/ });
  });

  it('gives back every kind of condition, as a copy', () => {
    const filter: Filter = {
      and: [
        { field: 'split', eq: 'test' },
        { field: 'attributes.a"b.c[0]😀', in: [1, 'x', true, null] },
        { or: [{ field: 'width', range: { gte: 640, lt: 1000.5 } }, { not: { field: 'author', exists: true } }] },
        { field: 'file', contains: '' },
        { and: [] },
        { field: 'x', in: [] },
      ],
    };
    const checked = checkFilter(filter);
    assert.deepEqual(checked, filter);
    assert.notEqual(checked, filter);
  });

  it('takes the deepest and the widest that is allowed', () => {
    checkFilter(nested(FILTER_LIMITS.depth));
    checkFilter({ and: many(FILTER_LIMITS.nodes - 1) });
    checkFilter({ field: 'x'.repeat(FILTER_LIMITS.string), in: new Array(FILTER_LIMITS.values).fill(0) });
  });
});
