import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type JsonEntry, parseJson, readJsonList } from '../../../indexer/readers/json.js';
import { temporaryFolder } from '../../fixture.js';
import { collect } from '../collect.js';

describe('readJsonList', () => {
  const temporary = temporaryFolder();

  function read(text: string | Buffer, key?: string): Promise<JsonEntry[]> {
    const file = path.join(temporary.path, 'list.json');
    writeFileSync(file, text);
    return collect(readJsonList({ file, key, layout: '[…]' }));
  }
  const values = async (text: string, key?: string) =>
    (await read(text, key)).map((entry) => ('value' in entry ? entry.value : entry.reason));

  it('refuses what is not JSON around the entries, with the line', async () => {
    const cases: [string, string | undefined, RegExp][] = [
      ['', undefined, /list\.json:1: it is not JSON: expected "\[", found its end/],
      ['\n\n7', undefined, /list\.json:3: .*expected "\[", found "7"/],
      ['[1, 2', undefined, /:1: .*expected "\]", found its end/],
      ['[1 2]', undefined, /expected "\]", found "2"/],
      ['[1, , 2]', undefined, /expected a value, found ","/],
      ['[1]\n]', undefined, /list\.json:2: .*expected its end, found "\]"/],
      ['[\n{"a": "b\n', undefined, /list\.json:2: it is not JSON: it ends inside what begins on line 2/],
      ['[{"a": [1}', undefined, /it ends inside what begins on line 1/],
      ['{"a" 1}', 'list', /expected ":", found "1"/],
      ['{"list": [1]', 'list', /expected "}", found its end/],
      ['{"list": {}}', 'list', /no list named "list"/],
      ['{"other": [1], "nested": {"list": [1]}}', 'list', /no list named "list"/],
    ];
    for (const [text, key, message] of cases) {
      await assert.rejects(read(text, key), { code: 'SOURCE_INVALID', message }, text);
    }
    await assert.rejects(collect(readJsonList({ file: '/no/such/file', layout: '' })), { code: 'FILE_NOT_FOUND' });
  });

  it('reports entries that are not JSON, not UTF-8, too deep or too long with their lines, and reads the rest', async () => {
    const text = Buffer.concat([
      Buffer.from('[\n  {"a": 1},\n  {\n    "a": 1\n    "b": 2\n  },\n  "caf'),
      Buffer.from([0xe9]),
      Buffer.from(
        `",\n  ${'['.repeat(101)}${']'.repeat(101)},\n  "${'x'.repeat(16 * 2 ** 20)}",\n  nul,\n  {"b": 2}\n]`,
      ),
    ]);
    const entries = await read(text);
    assert.deepEqual(entries[0], { index: 0, line: 2, value: { a: 1 } });
    assert.deepEqual([entries[1].line, entries[2].line], [5, 7]);
    assert.match('reason' in entries[1] ? entries[1].reason : '', /^it is not JSON: /);
    assert.deepEqual(entries.slice(2, 5), [
      { index: 2, line: 7, reason: 'it is not UTF-8 text' },
      { index: 3, line: 8, reason: 'it is nested 101 deep; up to 100 are read' },
      { index: 4, line: 9, reason: 'it has 16777218 bytes; up to 16777216 are read' },
    ]);
    assert.deepEqual(entries[6], { index: 6, line: 11, value: { b: 2 } });
  });

  it('reads what JSON.parse reads', async () => {
    const lists = [
      [],
      [1, -2.5e-3, true, false, null, '', 'a', [], {}, [[]], [{ a: [] }]],
      ['"', '\\', '\\"', '\\\\"', ']', '},{', 'a,b', 'é😀\u2028', '\uFEFF'],
      [{ a: '[', b: { c: ']}' } }, [',', ':']],
    ];
    for (const list of lists) {
      for (const space of [undefined, 1, '\t']) {
        const text = JSON.stringify(list, null, space);
        assert.deepEqual(await values(text), list);
        assert.deepEqual(await values(`\uFEFF \r\n${text}\n`), list);
        const object = JSON.stringify({ before: [{ list: [7] }], 'li"st': 1, list, after: '{' }, null, space);
        assert.deepEqual(await values(object, 'list'), list);
      }
    }
  });

  it('reads entries that lie across the pieces in which the file comes', async () => {
    // Pieces have 2^20 bytes: each of these puts another byte of the entry at the border.
    const entry = '{"a": "x\\"😀"}';
    for (let shift = 0; shift <= entry.length + 4; shift += 1) {
      const padding = ' '.repeat(2 ** 20 - 1 - shift);
      assert.deepEqual(await values(`[${padding}${entry},12345]`), [{ a: 'x"😀' }, 12345], String(shift));
    }
  });

  it('keeps integers that no number holds as strings, and everything else as it is', () => {
    const text =
      '{"id": 12345678901234567890, "n": [-9007199254740993, 9007199254740991, 1.12345678901234567, 1e30, 10]';
    const more = ', "s": "id 12345678901234567890, \\"12345678901234567890\\"", "12345678901234567890": 0}';
    assert.deepEqual(parseJson(text + more), {
      value: {
        id: '12345678901234567890',
        n: ['-9007199254740993', 9007199254740991, 1.1234567890123457, 1e30, 10],
        s: 'id 12345678901234567890, "12345678901234567890"',
        '12345678901234567890': 0,
      },
    });
    const long = 'x'.repeat(16 * 2 ** 20);
    assert.deepEqual(parseJson(`["${long}", 12345678901234567890]`), { value: [long, '12345678901234567890'] });
    for (const broken of ['[1\n12345678901234567890]', '[01234567890123456789]', '["12345678901234567890\n"]']) {
      assert.ok('reason' in parseJson(broken), broken);
    }
  });

  it('tells the line of an error within a text, whatever the error is', () => {
    const cases: [string, number, string][] = [
      ['', 1, 'Unexpected end of JSON input'],
      ['\n{\n"a": [1,\n', 4, 'Unexpected end of JSON input'],
      ['{\n"a": 1\n"b": 2\n}', 3, "Expected ',' or '}' after property value"],
      ['{"a": 1,\n"b": }\n', 2, "Unexpected token '}'"],
      [`[\n${'1,\n'.repeat(1000)}nul,\n${'2,\n'.repeat(1000)}3]`, 1002, "Unexpected token ','"],
      ['[1,\n2,\n]', 3, "Unexpected token ']'"],
      ['{}\n\n}', 3, 'Unexpected non-whitespace character after JSON'],
      ['{"a":\n"x\ny"}', 2, 'Bad control character in string literal'],
    ];
    for (const [text, line, reason] of cases) {
      assert.deepEqual(parseJson(text), { reason: `it is not JSON: ${reason}`, line }, text.slice(0, 40));
    }
  });
});
