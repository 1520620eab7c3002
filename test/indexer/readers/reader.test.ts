import assert from 'node:assert/strict';
import { cleanAttributes, cleanSplit, decodeUtf8, locate } from '../../../indexer/readers/reader.js';

describe('cleanAttributes', () => {
  it('leaves out what is no scalar of JSON, names that are empty or too long, and what is over a hundred', () => {
    const values = {
      list: [1],
      object: { a: 1 },
      nan: NaN,
      big: 7n,
      none: undefined,
      '': 1,
      ['x'.repeat(201)]: 1,
      ok: 1,
    };
    assert.deepEqual(cleanAttributes(values), { ok: 1 });
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`a${index}`, index]));
    assert.deepEqual(Object.keys(cleanAttributes(many)).length, 100);
    assert.deepEqual(cleanAttributes({ a: 1, b: 2 }, { except: ['a', null] }), { b: 2 });
  });

  it('is not harmed by names that objects have', () => {
    const hostile = JSON.parse('{"__proto__": "x", "constructor": 1, "toString": null}') as Record<string, unknown>;
    const clean = cleanAttributes(hostile);
    assert.deepEqual(Object.entries(clean), [
      ['__proto__', 'x'],
      ['constructor', 1],
      ['toString', null],
    ]);
    assert.equal(Object.getPrototypeOf(clean), Object.prototype);
  });

  it('keeps what the catalog gives back: well-formed texts up to 10,000 characters, no -0', () => {
    const { lone, long, zero } = cleanAttributes({ lone: 'a\uD800', long: `${'x'.repeat(9999)}😀`, zero: -0 });
    assert.equal(lone, 'a\uFFFD');
    assert.equal(long, 'x'.repeat(9999));
    assert.ok(Object.is(zero, 0));
  });
});

describe('cleanSplit', () => {
  it('takes a short text or nothing, and restval for train', () => {
    assert.deepEqual(cleanSplit(7), { reason: 'split: expected a string, got a number' });
    assert.ok('reason' in cleanSplit('x'.repeat(201)));
    for (const none of [undefined, null, '', ' \n']) assert.deepEqual(cleanSplit(none), { split: null });
    assert.deepEqual(cleanSplit(' restval '), { split: 'train' });
    assert.deepEqual(cleanSplit('minival'), { split: 'minival' });
  });
});

describe('decodeUtf8', () => {
  it('is null for what is not UTF-8, and takes one byte-order mark away', () => {
    assert.equal(decodeUtf8(Buffer.from([0x61, 0xe9])), null);
    assert.equal(decodeUtf8(Buffer.from([0xed, 0xa0, 0x80])), null);
    assert.equal(decodeUtf8(Buffer.from('\uFEFF\uFEFFé')), '\uFEFFé');
    assert.equal(decodeUtf8(new Uint8Array(0)), '');
  });
});

describe('locate', () => {
  it('refuses what leaves the root, and is one name for many ways to write it', () => {
    for (const name of ['..', '.', '../a', '/etc/passwd', 'a/../..', 'a\0']) assert.equal(locate('/root', name), null);
    for (const name of ['a/b', './a//b', 'c/../a/b', '/root/a/b']) {
      assert.deepEqual(locate('/root', name), { name: 'a/b', location: { file: 'a/b' } });
    }
    assert.equal(locate('/root', '..a')?.name, '..a');
  });
});
