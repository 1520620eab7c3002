import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { backupCollection } from '../../indexer/backup.js';
import { openStore } from '../../src/store/sqlite/store.js';
import { temporaryFolder } from '../fixture.js';

describe('backupCollection', () => {
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);

  it('refuses a target that is taken, and leaves it as it is', async () => {
    const store = await openStore({
      data: at('data'),
      name: 'x',
      create: { path: '/m', hash: 'a', prefilterHash: 'b', dimension: 4, inputSize: '4/2' },
    });
    mkdirSync(at('empty'));
    writeFileSync(at('mine.tar'), 'mine');
    for (const target of [at('empty'), at('mine.tar')]) {
      await assert.rejects(backupCollection({ store, target }), { code: 'INVALID_ARGUMENT' });
    }
    assert.deepEqual(readdirSync(temporary.path).sort(), ['data', 'empty', 'mine.tar']);
    assert.equal(readFileSync(at('mine.tar'), 'utf8'), 'mine');
    await store.close();
  });
});
