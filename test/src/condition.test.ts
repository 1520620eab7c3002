import assert from 'node:assert/strict';
import { allOf, attributeField, readCondition, writeCondition } from '../../src/condition.js';

describe('readCondition', () => {
  for (const text of ['', '=', ' =test', 'split', 'split test']) {
    it(`does not take ${JSON.stringify(text)} for a condition`, () => assert.equal(readCondition(text), null));
  }

  const read: [string, string, unknown][] = [
    ['year=2014', 'year', 2014],
    ['year = -3.5e2', 'year', -350],
    ['public=true', 'public', true],
    ['author=null', 'author', null],
    ['author=Ada', 'author', 'Ada'],
    ['author=Ada Lovelace', 'author', 'Ada Lovelace'],
    ['code="2014"', 'code', '2014'],
    ['formula=a=b', 'formula', 'a=b'],
    ['title=', 'title', ''],
    ['attributes.split=7', 'attributes.split', 7],
    // What JSON would not take, or is no scalar, is a string.
    ['year=01', 'year', '01'],
    ['year=NaN', 'year', 'NaN'],
    ['year=1e999', 'year', '1e999'],
    ['id=12345678901234567890', 'id', '12345678901234567890'],
    ['id=-9007199254740991', 'id', -9007199254740991],
    ['tags=["a"]', 'tags', '["a"]'],
    ['tags={"a":1}', 'tags', '{"a":1}'],
    [`name"; DROP TABLE images; --='`, `name"; DROP TABLE images; --`, `'`],
    ['__proto__=1', '__proto__', 1],
    // Fields that hold strings hold them whatever they look like.
    ['split=2014', 'split', '2014'],
    ['split="test"', 'split', 'test'],
    ['file="a".jpg', 'file', '"a".jpg'],
    ['source=/photos', 'source', '/photos'],
  ];
  for (const [text, field, eq] of read) {
    it(`reads ${text}`, () => assert.deepEqual(readCondition(text), { field, eq }));
  }
});

describe('writeCondition', () => {
  for (const field of ['', ' year', 'a=b', 'year ']) {
    it(`has none for a field called "${field}"`, () => assert.equal(writeCondition({ field, eq: 1 }), null));
  }

  const written: [string, string | number | boolean | null, string][] = [
    ['year', 2014, 'year=2014'],
    ['year', '2014', 'year="2014"'],
    ['author', 'Ada', 'author=Ada'],
    ['author', ' Ada', 'author=" Ada"'],
    ['author', '"Ada"', String.raw`author="\"Ada\""`],
    ['author', null, 'author=null'],
    ['author', '', 'author='],
    ['public', false, 'public=false'],
    ['split', '2014', 'split=2014'],
    ['attributes.split', '2014', 'attributes.split="2014"'],
  ];
  for (const [field, eq, condition] of written) {
    it(`writes ${condition}, which reads as it was`, () => {
      assert.equal(writeCondition({ field, eq }), condition);
      assert.deepEqual(readCondition(condition), { field, eq });
    });
  }
});

describe('attributeField', () => {
  it('names an attribute as itself, unless a field has that name', () => {
    const names = ['year', 'split', 'missing', 'attributes.x', 'Split', ''];
    const fields = ['year', 'attributes.split', 'attributes.missing', 'attributes.attributes.x', 'Split', ''];
    assert.deepEqual(names.map(attributeField), fields);
  });
});

describe('allOf', () => {
  const [one, other] = [readCondition('a=1')!, readCondition('b=2')!];
  it('is nothing, the one filter, or all of them', () => {
    assert.equal(allOf([]), undefined);
    assert.deepEqual(allOf([one]), { field: 'a', eq: 1 });
    assert.deepEqual(allOf([one, other]), { and: [one, other] });
  });
});
