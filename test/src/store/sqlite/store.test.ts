import { openStore } from '../../../../src/store/sqlite/store.js';
import { temporaryFolder } from '../../../fixture.js';
import { testStoreContract } from '../contract.js';

describe('SQLite store', () => {
  const data = temporaryFolder();

  describe('searched exactly', () => {
    testStoreContract((name, create) => openStore({ data: data.path, name, create }));
  });

  describe('searched through HNSW graphs', () => {
    testStoreContract((name, create) => openStore({ data: data.path, name: `hnsw-${name}`, create, exactBelow: 0 }));
  });
});
