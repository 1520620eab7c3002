import assert from 'node:assert/strict';
import type { ImageRecord } from '../../../../src/store/store.js';
import { neighborsOf, randomUnit, seededRandom, type WholeRecord } from '../records.js';
import { DIMENSION, record, ROOT, sourceOf, type Context } from './context.js';

/** The image of seed 1 as another file. */
const copy = (file: string, changes: Partial<WholeRecord> = {}) => record(1, { file, ...changes });
const captions = (...texts: string[]) =>
  texts.map((text) => ({ text, embedding: randomUnit(seededRandom(text.charCodeAt(0)), DIMENSION) }));
const hashOf = (seed: number) => record(seed).contentHash;

export function testContents({ openNew }: Context): void {
  describe('contents', () => {
    it('are one image each, in a batch, across batches and across sources', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const [one, other, same] = await store.upsert({ sourceId, images: [copy('a'), record(2), copy('b')] });
      assert.equal(one, same);
      assert.notEqual(one, other);
      assert.deepEqual(await store.upsert({ sourceId, images: [copy('c')] }), [one]);
      const elsewhere = await sourceOf(store, '/elsewhere');
      assert.deepEqual(await store.upsert({ sourceId: elsewhere, images: [copy('a')] }), [one]);
      assert.deepEqual(
        (await store.sources()).map(({ files }) => files),
        [4, 1],
      );
      assert.deepEqual([(await store.info()).images, await store.count(), (await store.statistics()).files], [2, 2, 5]);
      assert.equal((await neighborsOf(store, { target: 'images', embedding: record(1).embedding, k: 9 })).length, 2);
    });

    it('need an embedding and a model input only once', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const [id] = await store.upsert({ sourceId, images: [record(1)] });
      const bare = { ...copy('b', { captions: captions('more') }), embedding: null, modelInput: null };
      assert.deepEqual(await store.upsert({ sourceId, images: [bare] }), [id]);
      assert.deepEqual(await store.getModelInputs([id]), [record(1).modelInput]);
      const both = [record(5), { ...record(5, { file: 'again' }), embedding: null }];
      const [first, second] = await store.upsert({ sourceId, images: both });
      assert.equal(first, second);
    });

    it('are known by their hash, in the order given', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const [one, two] = await store.upsert({ sourceId, images: [record(1), record(2)] });
      await store.remove([two]);
      assert.deepEqual(await store.findContents([hashOf(2), 'unknown', hashOf(1), hashOf(2), '']), [
        ...['removed', null, one, 'removed'],
        null,
      ]);
      assert.deepEqual(await store.findContents([]), []);
    });

    it('are described by the first file that is not missing', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const elsewhere = await sourceOf(store, '/elsewhere');
      const first = copy('a', { split: 'train', attributes: { from: 'a' } });
      const location = { file: 'pictures.tar', offset: 512, bytes: 99 };
      const second = copy('tar/b', { split: 'test', attributes: { from: 'b' }, location, modified: 7 });
      const [id] = await store.upsert({ sourceId, images: [first] });
      await store.upsert({ sourceId: elsewhere, images: [second] });
      const image = async () => (await store.getImages([id]))[0];
      const isFirst = async (missing: boolean) => {
        const { file, root, split, attributes, location, missing: gone } = await image();
        assert.deepEqual(
          { file, root, split, attributes, location, gone },
          { file: 'a', root: ROOT, split: 'train', attributes: { from: 'a' }, location: { file: 'a' }, gone: missing },
        );
      };
      await isFirst(false);
      await store.markMissing({ sourceId, files: ['a'] });
      const now = await image();
      assert.deepEqual(
        [now.file, now.root, now.split, now.attributes, now.location, now.modified, now.missing],
        ['tar/b', '/elsewhere', 'test', { from: 'b' }, location, 7, false],
      );
      await store.markMissing({ sourceId: elsewhere, files: ['tar/b'] });
      await isFirst(true);
      await store.upsert({ sourceId, images: [first] });
      await isFirst(false);
    });

    it('keep their image where one of its files gets another content', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const [id] = await store.upsert({ sourceId, images: [copy('a'), copy('b')] });
      const [changed] = await store.upsert({ sourceId, images: [record(2, { file: 'a' })] });
      assert.notEqual(changed, id);
      assert.deepEqual(await store.findContents([hashOf(1), hashOf(2)]), [id, changed]);
      assert.equal((await store.getImages([id]))[0].file, 'b');
    });

    it('that a file gets and that are there already take the file, and its own image goes', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const [one, two] = await store.upsert({ sourceId, images: [record(1), record(2)] });
      assert.deepEqual(await store.upsert({ sourceId, images: [record(2, { file: record(1).file })] }), [two]);
      assert.deepEqual(await store.getImages([one]), []);
      assert.deepEqual(await store.findContents([hashOf(1)]), [null], 'not kept out');
      assert.equal((await store.info()).captions, 2);
      const found = await neighborsOf(store, { target: 'images', embedding: record(1).embedding, k: 9 });
      assert.deepEqual(
        found.map(({ id }) => id),
        [two],
      );
    });

    it('that files exchange in a batch keep their images, and need no embedding', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const named = (seed: number, file: string): ImageRecord => ({ ...record(seed, { file }), embedding: null });
      const ids = await store.upsert({ sourceId, images: [record(1, { file: 'a' }), record(2, { file: 'b' })] });
      const exchanged = await store.upsert({ sourceId, images: [named(2, 'a'), named(1, 'b')] });
      assert.deepEqual(exchanged, ids.toReversed());
      // "a" was renamed to "c", and another picture is "a" now.
      const [renamed, third] = await store.upsert({ sourceId, images: [record(3, { file: 'a' }), named(2, 'c')] });
      assert.equal(third, ids[1]);
      assert.ok(renamed > Math.max(...ids));
      assert.equal((await store.info()).images, 3);
    });

    it('keep attributes of any name, and lose those that a file no longer has', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const attributes = JSON.parse(
        `{"a.b": 1, "a": true, "'; DROP TABLE files; --": null, "quote\\"d": "q\\"", "🦊": "\\u0000", "": 0.1,
          "__proto__": "own", "constructor": 1e300, "$.x[0]": -5, "line\\n": "two\\nlines", "length": 9007199254740991}`,
      ) as ImageRecord['attributes'];
      assert.ok(Object.hasOwn(attributes, '__proto__'));
      const [id] = await store.upsert({ sourceId, images: [record(1, { attributes })] });
      const [file] = await store.getFiles({ sourceId, files: [record(1).file] });
      const [image] = await store.getImages([id]);
      for (const stored of [file!.attributes, image.attributes]) {
        assert.deepEqual(Object.entries(stored), Object.entries(attributes));
      }
      await store.upsert({ sourceId, images: [record(1, { attributes: { a: false } })] });
      assert.deepEqual((await store.getImages([id]))[0].attributes, { a: false });
    });
  });

  describe('captions', () => {
    it('are those of all files, each text once; each file keeps its own, as it gave them', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const [id] = await store.upsert({ sourceId, images: [copy('a', { captions: captions('x', 'y', 'x') })] });
      await store.upsert({ sourceId, images: [copy('b', { captions: captions('z', 'y') })] });
      assert.deepEqual((await store.getImages([id]))[0].captions, ['x', 'y', 'z']);
      const files = await store.getFiles({ sourceId, files: ['b', 'a'] });
      assert.deepEqual(
        files.map((file) => file?.captions),
        [
          ['z', 'y'],
          ['x', 'y', 'x'],
        ],
      );
      assert.equal((await store.info()).captions, 3);
    });

    it('that files share go with the last, and those of others stay under their ids', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const all = async () => {
        const found = await neighborsOf(store, { target: 'captions', embedding: record(1).embedding, k: 99 });
        const stored = await store.getCaptions(found.map(({ id }) => id));
        return new Map(stored.map(({ text, captionId }) => [text, captionId]));
      };
      await store.upsert({ sourceId, images: [copy('a', { captions: captions('x', 'y') })] });
      await store.upsert({ sourceId, images: [copy('b', { captions: captions('y', 'z') })] });
      const before = await all();
      await store.upsert({ sourceId, images: [copy('a', { captions: [] })] });
      assert.deepEqual([...(await all()).keys()].sort(), ['y', 'z']);
      assert.equal((await all()).get('y'), before.get('y'));
      assert.equal(await store.removeFiles({ sourceId, files: ['b'] }), 0);
      assert.deepEqual(await all(), new Map());
      await store.upsert({ sourceId, images: [copy('a', { captions: captions('y') })] });
      assert.ok((await all()).get('y')! > Math.max(...before.values()), 'ids are never reused');
    });

    it('of a file go along to another image', async () => {
      const store = await openNew();
      const sourceId = await sourceOf(store);
      const both = [copy('a', { captions: captions('x') }), copy('b', { captions: captions('y') })];
      await store.upsert({ sourceId, images: [...both, record(2, { captions: [] })] });
      await store.upsert({ sourceId, images: [record(2, { file: 'a', captions: captions('x', 'w') })] });
      const texts = async (seed: number) => {
        const [id] = await store.findContents([hashOf(seed)]);
        return (await store.getImages([id as number]))[0].captions;
      };
      assert.deepEqual([await texts(1), await texts(2)], [['y'], ['x', 'w']]);
    });
  });
}
