import assert from 'node:assert/strict';
import { STORE_LIMITS, type ImageRecord, type Store } from '../../../../src/store/store.js';
import { upsertTo, type WholeRecord } from '../records.js';
import { record, records, ROOT, sourceOf, UNKNOWN, type Context } from './context.js';

const INVALID = { code: 'INVALID_ARGUMENT' };
const { batchItems, batchBytes, k } = STORE_LIMITS;

const repeated = <T>(value: T, count: number): T[] => Array.from({ length: count }, () => value);

export function testLimits({ openNew }: Context): void {
  describe('limits', () => {
    it('refuses a batch of more images and captions, and takes one of as many', async () => {
      const store = await openNew();
      const [{ embedding }] = record(1).captions;
      const captions = Array.from({ length: batchItems }, (_, i) => ({ text: `${i}`, embedding }));
      const sourceId = await sourceOf(store);
      const tooMany = [
        Array.from({ length: batchItems + 1 }, (_, i) => record(i, { captions: [] })),
        [record(1, { captions })],
        [record(1, { captions: captions.slice(3) }), record(2)],
      ];
      for (const images of tooMany) await assert.rejects(store.upsert({ sourceId, images }), INVALID);
      assert.equal((await store.info()).images, 0);
      await store.upsert({ sourceId, images: [record(1, { captions: captions.slice(1) })] });
      assert.equal((await store.info()).captions, batchItems - 1);
    });

    it('refuses a batch of more bytes, whatever they are of, but for model inputs', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const long = 'é'.repeat(batchBytes / 2);
      const [{ embedding }] = record(1).captions;
      const large: Partial<WholeRecord>[] = [
        { captions: [{ text: long, embedding }] },
        { attributes: { long } },
        { attributes: { [long]: 1 } },
        { file: long, location: { file: 'short' } },
        { location: { file: long } },
        { split: long },
      ];
      for (const changes of large) {
        await assert.rejects(
          store.upsert({ sourceId, images: [record(1, changes)] }),
          INVALID,
          Object.keys(changes)[0],
        );
      }
      const modelInput = { width: 2000, height: 2000, pixels: new Uint8Array(12e6) };
      await store.upsert({ sourceId, images: [record(1, { modelInput })] });
    });

    it('refuses to be asked for more at once', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const files = repeated('a.png', batchItems + 1);
      const ids = repeated(1, batchItems + 1);
      const entries = files.map((file) => ({ file, reason: '', bytes: null, modified: null }));
      const query = { target: 'images', embedding: record(1).embedding } as const;
      const limit = batchItems + 1;
      const calls: Record<string, () => Promise<unknown>> = {
        getFiles: () => store.getFiles({ sourceId, files }),
        findContents: () => store.findContents(files),
        markMissing: () => store.markMissing({ sourceId, files }),
        removeFiles: () => store.removeFiles({ sourceId, files }),
        remove: () => store.remove(ids),
        restore: () => store.restore(files),
        getImages: () => store.getImages(ids),
        getCaptions: () => store.getCaptions(ids),
        quarantine: () => store.quarantine({ sourceId, files: entries }),
        getQuarantined: () => store.getQuarantined({ sourceId, files }),
        clearQuarantine: () => store.clearQuarantine({ files }),
        scanFiles: () => store.scanFiles({ sourceId, after: 0, limit }),
        scan: () => store.scan({ after: 0, limit }),
        nearDuplicates: () => store.nearDuplicates({ after: null, limit }),
        scanQuarantine: () => store.scanQuarantine({ after: null, limit }),
        nearest: () => store.nearest({ ...query, k: k + 1 }),
        captionMatches: () => store.captionMatches({ ...query, text: 'fox', k: k + 1 }),
        'bytes of names': () => store.getFiles({ sourceId, files: ['x'.repeat(batchBytes + 1)] }),
        'bytes of reasons': () =>
          store.quarantine({ sourceId, files: [{ ...entries[0], reason: 'x'.repeat(batchBytes + 1) }] }),
      };
      for (const [name, call] of Object.entries(calls)) await assert.rejects(call(), INVALID, name);
      assert.equal((await store.getFiles({ sourceId, files: files.slice(1) })).length, batchItems);
      assert.deepEqual(await store.nearest({ ...query, k }), { neighbors: [], complete: true });
    });
  });

  describe('bad records', () => {
    const wrong: Record<string, Partial<Record<keyof ImageRecord, unknown>>> = {
      'an attribute that is an object': { attributes: { a: { b: 1 } } },
      'an attribute that is a list': { attributes: { a: [1] } },
      'an attribute that is not a number': { attributes: { a: NaN } },
      'an attribute that is infinite': { attributes: { a: -Infinity } },
      'an attribute that is nothing': { attributes: { a: undefined } },
      'an attribute that is too large for JSON': { attributes: { a: 10n } },
      'a perceptual hash that is too short': { perceptualHash: new Uint16Array(3) },
      'a date that is not a number': { modified: NaN },
      'a size below zero': { bytes: -1 },
      'half a pixel': { width: 1.5 },
      'no content': { contentHash: '' },
      'a location without a file': { location: { offset: 1, bytes: 1 } },
      'a location before its file': { location: { file: 'a.tar', offset: -1, bytes: 1 } },
      'no embedding, of a content that is not there': { embedding: null },
    };
    for (const [what, changes] of Object.entries(wrong)) {
      it(`refuses ${what}, and with it the whole batch`, async () => {
        const store = await openNew();
        const sourceId = await sourceOf(store);
        const bad = { ...record(2), ...changes } as ImageRecord;
        await assert.rejects(store.upsert({ sourceId, images: [record(1), bad, record(3)] }), INVALID);
        assert.deepEqual(await store.scan({ after: 0, limit: 9 }), []);
        assert.deepEqual(await store.findContents([1, 3].map((seed) => record(seed).contentHash)), [null, null]);
      });
    }

    it('leaves everything as it was where the last of a batch is refused', async () => {
      const store = await openNew();
      const ids = await upsertTo(store, { path: ROOT, images: records(0, 4) });
      const sourceId = await sourceOf(store);
      const state = async (from: Store) => [
        await from.getImages(ids),
        await from.scanFiles({ sourceId, after: 0, limit: 9 }),
        await from.nearest({ target: 'captions', embedding: record(1).embedding, k: 99 }),
      ];
      const before = await state(store);
      const changed = [
        record(10, { file: record(0).file }),
        record(1, { captions: [] }),
        record(2, { file: 'more.png' }),
      ];
      const batch = [...changed, { ...record(11), embedding: null }];
      await assert.rejects(store.upsert({ sourceId, images: batch }), INVALID);
      assert.deepEqual(await state(store), before);
    });

    it('knows nothing of sources that are not there', async () => {
      const store = await openNew();
      const entry = { file: 'a.png', reason: 'torn', bytes: 1, modified: 1 };
      const NOT_FOUND = { code: 'NOT_FOUND' };
      await assert.rejects(store.upsert({ sourceId: UNKNOWN, images: [record(1)] }), NOT_FOUND);
      await assert.rejects(store.quarantine({ sourceId: UNKNOWN, files: [entry] }), NOT_FOUND);
      assert.deepEqual(await store.getFiles({ sourceId: UNKNOWN, files: ['a.png'] }), [null]);
      assert.deepEqual(await store.getQuarantined({ sourceId: UNKNOWN, files: ['a.png'] }), [null]);
      assert.deepEqual(await store.scanFiles({ sourceId: UNKNOWN, after: 0, limit: 9 }), []);
      assert.equal(await store.removeFiles({ sourceId: UNKNOWN, files: ['a.png'] }), 0);
      await store.markMissing({ sourceId: UNKNOWN, files: ['a.png'] });
      assert.equal((await store.info()).images, 0);
    });

    it('refuses to quarantine what has no size or date that could be', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const entry = { file: 'a.png', reason: 'torn', bytes: 1, modified: 1 };
      for (const change of [{ bytes: -1 }, { bytes: 0.5 }, { modified: NaN }, { modified: Infinity }]) {
        const files = [entry, { ...entry, file: 'b.png', ...change }];
        await assert.rejects(store.quarantine({ sourceId, files }), INVALID, JSON.stringify(change));
      }
      assert.equal((await store.statistics()).quarantined, 0);
    });
  });
}
