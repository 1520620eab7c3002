import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { readRange, sizeOf } from '../../../../src/vilt/checkpoint/range.js';
import { temporaryFolder } from '../../../fixture.js';

describe('readRange', () => {
  const folder = temporaryFolder();

  it('says so when the file ends before', () => {
    const file = path.join(folder.path, 'short');
    writeFileSync(file, '0123456789');
    assert.throws(() => readRange(file, 3, 12), {
      code: 'MODEL_INCOMPLETE',
      message: /at least 15 bytes but ends at 10/,
    });
  });

  it('says so when there is no file, or it is a folder', () => {
    assert.throws(() => readRange('/no/such', 0, 4), { code: 'FILE_NOT_FOUND', message: /\/no\/such cannot be read/ });
    assert.throws(() => sizeOf('/no/such'), { code: 'FILE_NOT_FOUND' });
    assert.throws(() => readRange(folder.path, 0, 4), { code: 'FILE_NOT_FOUND' });
  });

  it('gives exactly the bytes asked for, in a buffer of their own', () => {
    const file = path.join(folder.path, 'whole');
    writeFileSync(file, '0123456789');
    assert.equal(sizeOf(file), 10);
    const bytes = readRange(file, 3, 4);
    assert.equal(Buffer.from(bytes).toString(), '3456');
    assert.equal(bytes.buffer.byteLength, 4);
    assert.equal(readRange(file, 10, 0).length, 0);
  });
});
