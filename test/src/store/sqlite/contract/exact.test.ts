import assert from 'node:assert/strict';
import { listCollections } from '../../../../../src/store/sqlite/folders.js';
import { testStoreContract } from '../../contract.js';
import { assertWhole } from '../invariants.js';
import { openedStores } from '../opened.js';

describe('SQLite store, searched exactly', () => {
  const { data, open, fileOf } = openedStores();

  testStoreContract((name, create) => open(name, { create, exactBelow: 10_000 }));

  // A suite, because mocha runs a suite's own tests before the suites in it.
  describe('after all of that', () => {
    it('has left every catalog whole', async () => {
      const names = await listCollections(data.path);
      assert.ok(names.length > 50);
      for (const name of names) assertWhole(fileOf(name, 'catalog.sqlite'));
    });
  });
});
