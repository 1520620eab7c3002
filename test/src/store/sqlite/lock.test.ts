import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { PatchwordError } from '../../../../src/errors.js';
import { withJobLock } from '../../../../src/store/sqlite/lock.js';
import { temporaryFolder } from '../../../fixture.js';

describe('withJobLock', () => {
  const folder = temporaryFolder();
  const busy = (cause: unknown) => new PatchwordError('FIT_BUSY', 'Another does it.', { cause });
  const lockFor = (name: string) => ({ file: path.join(folder.path, 'made', `${name}.sqlite`), busy });

  it('refuses a job that is being done, and does nothing of it', async () => {
    let ran = false;
    await withJobLock(lockFor('refused'), async () => {
      const second = withJobLock(lockFor('refused'), () => Promise.resolve(void (ran = true)));
      await assert.rejects(second, { code: 'FIT_BUSY', message: 'Another does it.' });
    });
    assert.equal(ran, false);
  });

  it('lets go of it when the job fails', async () => {
    await assert.rejects(
      withJobLock(lockFor('failed'), () => Promise.reject(new Error('it failed'))),
      { message: 'it failed' },
    );
    assert.equal(await withJobLock(lockFor('failed'), () => Promise.resolve(7)), 7);
  });

  it('does other jobs at the same time, and makes the folder', async () => {
    const both = withJobLock(lockFor('one'), () => withJobLock(lockFor('other'), () => Promise.resolve('both')));
    assert.equal(await both, 'both');
    assert.ok(existsSync(path.join(folder.path, 'made')));
  });
});
