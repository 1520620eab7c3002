import assert from 'node:assert/strict';
import { record, records, sourceOf, storedAs, type Context } from './context.js';

/** All pages of `read`; `between` runs after each. */
async function readAll<Row>(
  read: (after: number) => Promise<Row[]>,
  idOf: (row: Row) => number,
  between: (page: number) => Promise<unknown> = async () => {},
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let page = 0; ; page++) {
    const found = await read(rows.length > 0 ? idOf(rows.at(-1)!) : 0);
    if (found.length === 0) return rows;
    rows.push(...found);
    await between(page);
  }
}

export function testPaging({ openNew }: Context): void {
  describe('scan', () => {
    it('pages through all images in order of id', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const ids = await store.upsert({ sourceId, images: records(0, 7) });
      const found = await readAll(
        (after) => store.scan({ after, limit: 3 }),
        ({ imageId }) => imageId,
      );
      assert.deepEqual(
        found,
        ids.map((id, i) => storedAs(id, record(i))),
      );
      assert.deepEqual(await store.scan({ after: ids[6], limit: 3 }), []);
      assert.deepEqual(await store.scan({ after: -5, limit: 1 }), [storedAs(ids[0], record(0))]);
    });

    it('is complete and without repeats while images come, change and go', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const ids = await store.upsert({ sourceId, images: records(0, 10) });
      const found = await readAll(
        (after) => store.scan({ after, limit: 2 }),
        ({ imageId }) => imageId,
        async (page) => {
          if (page === 0) await store.upsert({ sourceId, images: [record(50), record(51, { file: record(1).file })] });
          if (page === 1) await store.remove([ids[0], ids[3], ids[8]]);
        },
      );
      const expected = [...ids.filter((_, i) => i !== 8), ids[9] + 1];
      assert.deepEqual(
        found.map(({ imageId }) => imageId),
        expected,
      );
    });
  });

  describe('scanFiles', () => {
    it('pages through the files of one source, complete and without repeats while files come, change and go', async () => {
      const store = await openNew();
      const [one, other] = [await sourceOf(store), await sourceOf(store, '/elsewhere')];
      const name = (i: number) => `file ${(i * 7) % 10}`;
      const file = (i: number) => record(i % 4, { file: name(i) }); // Ten files of four images.
      for (let i = 0; i < 10; i++) {
        for (const sourceId of [one, other]) await store.upsert({ sourceId, images: [file(i)] });
      }
      const found = await readAll(
        (after) => store.scanFiles({ sourceId: one, after, limit: 3 }),
        ({ fileId }) => fileId,
        async (page) => {
          if (page !== 0) return;
          await store.upsert({ sourceId: one, images: [record(20, { file: 'late' }), record(21, { file: name(1) })] });
          await store.upsert({ sourceId: other, images: [record(20, { file: 'other' })] });
          await store.removeFiles({ sourceId: one, files: [name(0), name(8)] });
          await store.markMissing({ sourceId: one, files: [name(5)] });
        },
      );
      const expected = [0, 1, 2, 3, 4, 5, 6, 7, 9].map(name);
      assert.deepEqual(
        found.map(({ file, sourceId, missing }) => [file, sourceId, missing]),
        [...expected, 'late'].map((file) => [file, one, file === name(5)]),
      );
    });
  });
}
