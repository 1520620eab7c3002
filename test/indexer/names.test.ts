import assert from 'node:assert/strict';
import { Names } from '../../indexer/names.js';

describe('Names', () => {
  it('has what was added, and nothing else', () => {
    const names = new Names();
    assert.equal(names.isEmpty, true);
    for (let i = 0; i < 10_000; i++) assert.equal(names.add(`${i}.png`), true);
    assert.equal(names.add('7.png'), false);
    assert.equal(names.isEmpty, false);
    for (let i = 0; i < 10_000; i++) assert.ok(names.has(`${i}.png`) && !names.has(`${i}.jpg`));
    names.delete('7.png');
    assert.equal(names.has('7.png'), false);
  });
});
