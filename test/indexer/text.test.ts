import assert from 'node:assert/strict';
import { formatTable, printable, shorten } from '../../indexer/text.js';

describe('text for a terminal', () => {
  it('holds no escape sequence and no direction override', () => {
    assert.equal(printable('a\u001B[31mred\u0007\r\n\u202Eb'), 'a�[31mred����b');
    assert.equal(printable('naïve 狐 👨‍👩‍👧'), 'naïve 狐 👨‍👩‍👧');
  });

  it('is cut at characters, not in the middle of one', () => {
    assert.equal(shorten('🦊🦊🦊', 3), '🦊🦊🦊');
    assert.equal(shorten('🦊🦊🦊', 2), '🦊…');
    assert.equal(shorten('fox', 0), '…');
  });

  it('is set in columns, numbers to the right, a dash for nothing', () => {
    const table = formatTable([
      ['rank', 'score', 'file'],
      ['1', '0.5', 'a.png'],
      ['10', null, 'b\u001B.png'],
    ]);
    assert.equal(table, 'rank  score  file\n   1    0.5  a.png\n  10      –  b�.png');
  });

  it('is cut at the right margin', () => {
    assert.equal(formatTable([['caption'], ['a very long caption']], { width: 8 }), 'caption\na very …');
  });
});
