import assert from 'node:assert/strict';
import type { QuarantinedFile } from '../../../../src/store/store.js';
import { record, sourceOf, type Context } from './context.js';

const entry = (file: string, reason = `${file} is torn`) => ({ file, reason, bytes: 7, modified: 1.5e12 });

export function testQuarantine({ open, openNew, newName }: Context): void {
  describe('quarantine', () => {
    it('holds entries with their reasons, and says when they were tried', async () => {
      const name = newName();
      const store = await open(name);
      const sourceId = await sourceOf(store);
      const hostile = { file: "'; --\n🦊\u202e", reason: '<script>\0', bytes: null, modified: null };
      const before = Date.now();
      await store.quarantine({ sourceId, files: [entry('a'), hostile, entry('')] });
      const [first, none, last] = await store.getQuarantined({ sourceId, files: [hostile.file, 'nowhere', 'a'] });
      assert.equal(none, null);
      assert.ok(first!.tried >= before && first!.tried <= Date.now());
      assert.deepEqual(first, { sourceId, ...hostile, tried: first!.tried });
      assert.deepEqual(last, { sourceId, ...entry('a'), tried: last!.tried });
      assert.equal((await store.statistics()).quarantined, 3);
      await store.close();
      const again = await open(name);
      assert.deepEqual(await again.getQuarantined({ sourceId, files: ['a'] }), [last]);
    });

    it('says anew why an entry is there', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      await store.quarantine({ sourceId, files: [entry('a'), entry('a', 'is a bomb')] });
      await store.quarantine({
        sourceId,
        files: [
          { ...entry('b'), bytes: 9 },
          { ...entry('a', 'is empty'), bytes: 0 },
        ],
      });
      const [a, b] = await store.getQuarantined({ sourceId, files: ['a', 'b'] });
      assert.deepEqual([a?.reason, a?.bytes, b?.bytes], ['is empty', 0, 9]);
    });

    it('lets go of what is upserted, from that source alone', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const other = await sourceOf(store, '/elsewhere');
      const { file } = record(1);
      for (const id of [sourceId, other]) await store.quarantine({ sourceId: id, files: [entry(file), entry('b')] });
      await store.upsert({ sourceId, images: [record(1)] });
      assert.deepEqual((await store.getQuarantined({ sourceId, files: [file, 'b'] })).map(Boolean), [false, true]);
      assert.deepEqual((await store.getQuarantined({ sourceId: other, files: [file] })).map(Boolean), [true]);
    });

    it('is cleared by source, by name, or whole', async () => {
      const store = await openNew();
      const [one, two, three] = [await sourceOf(store), await sourceOf(store, '/two'), await sourceOf(store, '/three')];
      for (const sourceId of [one, two, three]) {
        await store.quarantine({ sourceId, files: ['a', 'b', 'c', 'd'].map((file) => entry(file)) });
      }
      assert.equal(await store.clearQuarantine({ sourceId: one, files: ['a', 'nowhere', 'a'] }), 1);
      assert.equal(await store.clearQuarantine({ files: ['b'] }), 3);
      assert.equal(await store.clearQuarantine({ sourceId: one }), 2);
      assert.equal(await store.clearQuarantine({ sourceId: one }), 0);
      assert.equal(await store.clearQuarantine({ files: [] }), 0);
      assert.equal((await store.statistics()).quarantined, 6);
      assert.equal(await store.clearQuarantine({}), 6);
    });

    it('is paged by source and file, complete and without repeats while entries come', async () => {
      const store = await openNew();
      const [one, two] = [await sourceOf(store), await sourceOf(store, '/two')];
      const names = (prefix: string) => Array.from({ length: 10 }, (_, i) => entry(`${prefix}${i}`));
      await store.quarantine({ sourceId: two, files: names('m') });
      await store.quarantine({ sourceId: one, files: names('m') });
      const found: QuarantinedFile[] = [];
      for (let after: { sourceId: number; file: string } | null = null, page = 0; ; page++) {
        const entries: QuarantinedFile[] = await store.scanQuarantine({ after, limit: 3 });
        if (entries.length === 0) break;
        found.push(...entries);
        after = entries.at(-1)!;
        if (page === 1) await store.quarantine({ sourceId: one, files: [...names('a'), entry('m99')] });
      }
      const expected = [one, two].flatMap((id) => names('m').map(({ file }) => `${id} ${file}`));
      expected.splice(10, 0, `${one} m99`);
      assert.deepEqual(
        found.map(({ sourceId, file }) => `${sourceId} ${file}`),
        expected,
      );
    });
  });
}
