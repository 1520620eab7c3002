import assert from 'node:assert/strict';
import type { Reader } from '../../indexer/readers/reader.js';
import { findSource, registerSource } from '../../indexer/registration.js';
import { openStore } from '../../src/store/sqlite/store.js';
import type { Store } from '../../src/store/store.js';
import { imageRecord, modelOf } from '../src/store/records.js';
import { temporaryFolder } from '../fixture.js';

const LIST = { path: '/data/list.json', root: '/data/pictures', format: 'karpathy' } as Reader;
const OTHER = { ...LIST, path: '/data/other.json' };
const FOLDER = { path: '/data/pictures', root: '/data/pictures', format: 'folder' } as Reader;

describe('registerSource', () => {
  const folder = temporaryFolder();
  let store: Store;
  let stores = 0;

  beforeEach(async () => {
    store = await openStore({ data: folder.path, name: `sources-${stores++}`, create: modelOf(4) });
  });
  afterEach(() => store.close());

  const register = (reader: Reader, options = {}) => registerSource(store, { reader, options });
  /** A source as it comes from a collection made before formats were kept, with one file. */
  async function addEarly(): Promise<number> {
    const { path, root } = FOLDER;
    const { sourceId } = await store.addSource({ path, root, format: '', options: {} });
    await store.upsert({ sourceId, images: [imageRecord(1, 4)] });
    return sourceId;
  }

  it('makes a source, and finds it again with what is now said of it', async () => {
    const first = await register(LIST, { images: 'pictures' });
    assert.deepEqual(first, { ...LIST, sourceId: first.sourceId, options: { images: 'pictures' }, files: 0 });
    const again = await register({ ...LIST, root: '/data/moved' });
    assert.deepEqual(again, { ...LIST, sourceId: first.sourceId, root: '/data/moved', options: {}, files: 0 });
  });

  it('writes nothing where nothing is new', async () => {
    const first = await register(LIST, { images: 'pictures' });
    await store.flush();
    const other = await openStore({ data: folder.path, name: `sources-${stores - 1}` });
    try {
      await other.addSource({ ...OTHER, options: {} }); // From here on only this one may write.
      assert.deepEqual(await register(LIST, { images: 'pictures' }), first);
      await assert.rejects(register(LIST), { code: 'COLLECTION_BUSY' });
    } finally {
      await other.close();
    }
  });

  it('keeps two lists of the same folder apart', async () => {
    const one = await register(LIST);
    const two = await register(OTHER);
    assert.notEqual(one.sourceId, two.sourceId);
    assert.equal(findSource(await store.sources(), OTHER)?.sourceId, two.sourceId);
    assert.equal(findSource(await store.sources(), FOLDER), undefined);
  });

  it('takes over an early source of the same folder, with its files', async () => {
    const sourceId = await addEarly();
    assert.equal(findSource(await store.sources(), LIST)?.sourceId, sourceId);
    assert.deepEqual(await register(LIST), { ...LIST, sourceId, options: {}, files: 1 });
    assert.notEqual((await register(OTHER)).sourceId, sourceId, 'only once');
  });

  it('takes over an early source also where a run was stopped right after it made its own', async () => {
    const sourceId = await addEarly();
    await store.addSource({ ...LIST, options: {} });
    assert.deepEqual(await register(LIST), { ...LIST, sourceId, options: {}, files: 1 });
    assert.equal((await store.sources()).length, 1);
  });

  it('takes over an early source of the folder itself', async () => {
    const sourceId = await addEarly();
    assert.deepEqual(await register(FOLDER), { ...FOLDER, sourceId, options: {}, files: 1 });
  });
});
