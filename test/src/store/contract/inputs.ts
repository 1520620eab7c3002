import assert from 'node:assert/strict';
import { upsertTo } from '../records.js';
import { type Context, record, records, ROOT, UNKNOWN } from './context.js';

export function testInputs({ openNew }: Context): void {
  describe('model inputs', () => {
    it('come back exactly, in the order of the ids', async () => {
      const store = await openNew();
      const ids = await upsertTo(store, { path: ROOT, images: records(0, 4) });
      const order = [ids[3], UNKNOWN, ids[0], ids[3]];
      const expected = [record(3).modelInput, null, record(0).modelInput, record(3).modelInput];
      assert.deepEqual(await store.getModelInputs(order), expected);
    });

    it('are those of the content that an image has now', async () => {
      const store = await openNew();
      const [id] = await upsertTo(store, { path: ROOT, images: [record(1)] });
      await upsertTo(store, { path: ROOT, images: [record(9, { file: record(1).file })] });
      assert.deepEqual(await store.getModelInputs([id]), [record(9).modelInput]);
      const { contentHash } = record(9);
      // Made of what the image was a moment before.
      const before = { imageId: id, contentHash: record(1).contentHash, modelInput: record(1).modelInput };
      await store.putModelInputs([before]);
      assert.deepEqual(await store.getModelInputs([id]), [record(9).modelInput]);
      const wrong = { width: 4, height: 4, pixels: new Uint8Array(7) };
      await assert.rejects(store.putModelInputs([{ imageId: id, contentHash, modelInput: wrong }]), {
        code: 'INVALID_ARGUMENT',
      });
      assert.deepEqual(await store.getModelInputs([id]), [record(9).modelInput]);
    });
  });
}
