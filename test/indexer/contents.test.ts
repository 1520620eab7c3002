import assert from 'node:assert/strict';
import { Contents } from '../../indexer/contents.js';
import type { Store } from '../../src/store/store.js';

/** Of a store only what it knows of contents is asked; this is all of it. Images below 100 can be searched. */
function storeOf(found: Record<string, number | 'removed'>) {
  return {
    findContents: (hashes: string[]) => Promise.resolve(hashes.map((hash) => found[hash] ?? null)),
    getImages: (ids: number[]) => Promise.resolve(ids.map((imageId) => ({ imageId, searchable: imageId < 100 }))),
  } as Store;
}

describe('Contents', () => {
  it('knows what the store has, and what is to stay out', async () => {
    const contents = new Contents(storeOf({ a: 7, b: 'removed' }));
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map((hash) => contents.find(hash))), [
      'there',
      'removed',
      'embed',
    ]);
  });

  it('wants an embedding of what is there and in no search', async () => {
    assert.equal(await new Contents(storeOf({ a: 107 })).find('a'), 'embed');
  });

  it('counts on what comes, once it could be decoded, and not on what could not', async () => {
    const contents = new Contents(storeOf({}));
    const coming = contents.come('a');
    const asked = contents.find('a');
    coming.tell(true);
    assert.equal(await asked, 'there');
    const failing = contents.come('b');
    const again = contents.find('b');
    failing.tell(false);
    contents.settle({ coming: failing, left: null });
    assert.equal(await again, 'embed');
    const second = contents.come('b');
    contents.settle({ coming: failing, left: null });
    second.tell(true);
    assert.equal(await contents.find('b'), 'there', 'the second try is not the first');
  });

  it('does not count on what a file that changed may take along, until that is written', async () => {
    const contents = new Contents(storeOf({ a: 1 }));
    contents.leave('a');
    contents.leave('a');
    assert.equal(await contents.find('a'), 'embed');
    contents.settle({ coming: null, left: 'a' });
    assert.equal(await contents.find('a'), 'embed');
    contents.settle({ coming: null, left: 'a' });
    assert.equal(await contents.find('a'), 'there');
  });

  it('finds what is written while it looks', async () => {
    let answer = (_: null[]): void => {};
    const store = { findContents: () => new Promise((resolve) => (answer = resolve)) } as unknown as Store;
    const contents = new Contents(store);
    const coming = contents.come('a');
    coming.tell(true);
    const asked = contents.find('a');
    contents.settle({ coming, left: null });
    answer([null]); // as it was before it was written
    assert.equal(await asked, 'there');
  });
});
