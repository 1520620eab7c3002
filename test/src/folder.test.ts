import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeFolder } from '../../src/folder.js';
import { temporaryFolder } from '../fixture.js';

describe('makeFolder', () => {
  const folder = temporaryFolder();

  it('says why it cannot: a file is in the way, or the file system takes no folders', () => {
    const file = path.join(folder.path, 'file');
    writeFileSync(file, '');
    assert.throws(() => makeFolder(path.join(file, 'below')), { code: 'FILE_NOT_FOUND' });
    if (process.platform === 'linux') assert.throws(() => makeFolder('/proc/patchword/below'));
  });

  it('makes every level, and is content with what is there', () => {
    const deep = path.join(folder.path, 'a', 'b', 'c');
    makeFolder(deep);
    makeFolder(deep);
    assert.ok(existsSync(deep));
  });
});
