import assert from 'node:assert/strict';
import { checkAddress, isLoopback, parseApiKeys } from '../../server/access.js';

const KEY = '0123456789abcdef';

describe('isLoopback', () => {
  for (const host of ['127.0.0.1', '127.8.9.10', '::1', '[::1]', 'localhost', 'LOCALHOST', 'a.localhost']) {
    it(`takes ${host} for this machine`, () => assert.equal(isLoopback(host), true));
  }
  const others = [
    '0.0.0.0',
    '::',
    '192.168.1.2',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'evillocalhost',
    '',
  ];
  for (const host of others) {
    it(`does not take "${host}" for it`, () => assert.equal(isLoopback(host), false));
  }
});

describe('checkAddress', () => {
  it('refuses an address that others reach without a key, and says how to give one', () => {
    assert.throws(() => checkAddress('0.0.0.0', []), { code: 'ADDRESS_REFUSED', hint: /PATCHWORD_API_KEYS/ });
  });
  it('refuses a key that can be guessed', () => {
    assert.throws(() => checkAddress('127.0.0.1', ['short']), { code: 'INVALID_ARGUMENT', message: /16/ });
  });
  it('accepts a loopback address, and any address with a key', () => {
    checkAddress('127.0.0.1', []);
    checkAddress('0.0.0.0', [KEY]);
  });
});

describe('parseApiKeys', () => {
  it('reads a comma-separated list', () => {
    assert.deepEqual(parseApiKeys(undefined), []);
    assert.deepEqual(parseApiKeys(' , '), []);
    assert.deepEqual(parseApiKeys(`${KEY}, other`), [KEY, 'other']);
  });
});
