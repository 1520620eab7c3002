import path from 'node:path';
import type { Store } from '../../../../src/store/store.js';
import { openStore, type StoreOptions } from '../../../../src/store/sqlite/store.js';
import { temporaryFolder } from '../../../fixture.js';
import { imageRecord, modelOf, type WholeRecord } from '../records.js';

const DIMENSION = 16;

export const MODEL = modelOf(DIMENSION);
export const ROOT = '/pictures';

export const record = (seed: number, changes: Partial<WholeRecord> = {}) => imageRecord(seed, DIMENSION, changes);
export const records = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => record(from + i));

/** Opens stores of MODEL, made where there are none, with graphs however small they are; a test's are closed behind it. */
export function openedStores() {
  const data = temporaryFolder();
  const stores: Store[] = [];
  /** What the stores of this test had to say. */
  const notes: string[] = [];

  beforeEach(() => void (notes.length = 0));
  afterEach(() => Promise.all(stores.splice(0).map((store) => store.close())));

  const open = async (name: string, options: Partial<StoreOptions> = {}) => {
    const onNote = (line: string) => void notes.push(line);
    const store = await openStore({ data: data.path, name, create: MODEL, exactBelow: 0, onNote, ...options });
    stores.push(store);
    return store;
  };
  const folderOf = (name: string) => path.join(data.path, 'collections', name);
  const fileOf = (name: string, file: string) => path.join(folderOf(name), file);
  return { data, notes, open, folderOf, fileOf };
}
