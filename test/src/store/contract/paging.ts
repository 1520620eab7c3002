import assert from 'node:assert/strict';
import type { StoredImage } from '../../../../src/store/store.js';
import { upsertTo } from '../records.js';
import { type Context, record, records, ROOT, storedAs } from './context.js';

export function testPaging({ openNew }: Context): void {
  describe('scan', () => {
    it('pages through all images in order of id', async () => {
      const store = await openNew();
      const ids = await upsertTo(store, { path: ROOT, images: records(0, 7) });
      const found: StoredImage[] = [];
      for (let after = 0; ; after = found.at(-1)!.imageId) {
        const page = await store.scan({ after, limit: 3 });
        assert.ok(page.length <= 3);
        found.push(...page);
        if (page.length === 0) break;
      }
      assert.deepEqual(
        found,
        ids.map((id, i) => storedAs(id, record(i))),
      );
    });
  });
}
