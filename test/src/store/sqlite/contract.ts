import assert from 'node:assert/strict';
import { listCollections } from '../../../../src/store/sqlite/folders.js';
import type { StoreOptions } from '../../../../src/store/sqlite/store.js';
import { testStoreContract } from '../contract.js';
import { assertWhole } from './invariants.js';
import { openedStores } from './opened.js';

/** The contract, on SQLite stores opened so; each way of searching has a file of its own, so that they run side by side. */
export function testSqliteContract(searched: string, options: Partial<StoreOptions>): void {
  describe(`SQLite store, searched ${searched}`, () => {
    const { data, open, fileOf } = openedStores();

    testStoreContract((name, create) => open(name, { create, ...options }));

    // A suite, because mocha runs a suite's own tests before the suites in it.
    describe('after all of that', () => {
      it('has left every catalog whole', async () => {
        const names = await listCollections(data.path);
        assert.ok(names.length > 50);
        for (const name of names) assertWhole(fileOf(name, 'catalog.sqlite'));
      });
    });
  });
}
