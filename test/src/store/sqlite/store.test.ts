import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { PatchwordError } from '../../../../src/errors.js';
import type { Store } from '../../../../src/store/store.js';
import { listCollections } from '../../../../src/store/sqlite/folders.js';
import { openStore } from '../../../../src/store/sqlite/store.js';
import { modelOf, neighborsOf, upsertTo } from '../records.js';
import { MODEL, openedStores, record, records, ROOT } from './opened.js';

describe('SQLite store', () => {
  const { data, notes, open, folderOf, fileOf } = openedStores();

  describe('names', () => {
    it('refuses those that cannot be a folder of its own', async () => {
      const wrong = ['', '.', '..', '.hidden', 'a/b', 'a\\b', '../up', 'sp ace', 'nul\0', 'é', 'x'.repeat(65), '-\n'];
      for (const name of wrong) {
        await assert.rejects(open(name), { code: 'INVALID_ARGUMENT' }, JSON.stringify(name));
      }
      for (const name of ['a', 'A-1_b.c', '_', 'x'.repeat(64)]) await (await open(name)).close();
    });

    it('says which collections there are, and how to make one, where one is unknown', async () => {
      const elsewhere = path.join(data.path, 'elsewhere');
      const missing = () => openStore({ data: elsewhere, name: 'birds' });
      await assert.rejects(missing(), { code: 'COLLECTION_NOT_FOUND', message: /none yet/ });
      assert.ok(!existsSync(elsewhere));
      for (const name of ['foxes', 'bears']) await (await open(name, { data: elsewhere })).close();
      mkdirSync(path.join(elsewhere, 'collections', 'empty'));
      writeFileSync(path.join(elsewhere, 'collections', 'file'), '');
      assert.deepEqual(await listCollections(elsewhere), ['bears', 'foxes']);
      const error = await missing().catch((reason: unknown) => reason);
      assert.ok(error instanceof PatchwordError);
      assert.match(error.message, /"birds".*bears, foxes/);
      assert.match(error.hint ?? '', /patchword index SOURCE --collection birds/);
    });

    it('opens a collection that is there with the model it was made with', async () => {
      await (await open('bound')).close();
      const other = await open('bound', { create: { ...modelOf(99), hash: 'other' } });
      assert.deepEqual((await other.info()).model, MODEL);
      assert.equal((await other.info()).folder, folderOf('bound'));
    });
  });

  it('never gives an id of 2^32 or more', async () => {
    await (await open('full')).close();
    const database = new Database(fileOf('full', 'catalog.sqlite'));
    database.exec(`INSERT INTO sqlite_sequence (name, seq) VALUES ('images', ${2 ** 32 - 3})`);
    database.close();
    const store = await open('full');
    const ids = await upsertTo(store, { path: ROOT, images: records(0, 2) });
    assert.deepEqual(ids, [2 ** 32 - 2, 2 ** 32 - 1]);
    await store.flush();
    await assert.rejects(upsertTo(store, { path: ROOT, images: records(2, 3) }), {
      message: /used up its 4294967295 ids/,
    });
    assert.deepEqual(
      (await neighborsOf(store, { target: 'images', embedding: record(1).embedding, k: 9 }))[0].id,
      ids[1],
    );
    assert.equal((await store.info()).images, 2);
  });

  describe('a damaged catalog', () => {
    const wrongs: Record<string, (file: string) => void> = {
      empty: (file) => truncateSync(file),
      garbage: (file) => writeFileSync(file, 'garbage '.repeat(4000)),
      'cut short': (file) => truncateSync(file, 4096),
    };
    for (const [what, damage] of Object.entries(wrongs)) {
      it(`that is ${what} is said to be so, and nothing is deleted`, async () => {
        const name = `damaged-${what.replaceAll(' ', '-')}`;
        const store = await open(name);
        await upsertTo(store, { path: ROOT, images: records(0, 5) });
        await store.flush();
        await store.close();
        damage(fileOf(name, 'catalog.sqlite'));
        const before = readdirSync(folderOf(name)).map((file) => [file, readFileSync(fileOf(name, file), 'hex')]);
        await assert.rejects(open(name), { code: 'COLLECTION_DAMAGED', message: /catalog/ });
        const after = readdirSync(folderOf(name)).map((file) => [file, readFileSync(fileOf(name, file), 'hex')]);
        assert.deepEqual(after, before);
      });
    }

    it('that is garbage from its middle on is said to be so', async () => {
      const store = await open('page');
      const ids = await upsertTo(store, { path: ROOT, images: records(0, 300) });
      await store.close();
      const file = fileOf('page', 'catalog.sqlite');
      const bytes = readFileSync(file);
      bytes.fill(0xee, bytes.length / 2);
      writeFileSync(file, bytes);
      const readAll = async () => (await open('page')).getImages(ids);
      await assert.rejects(readAll(), { code: 'COLLECTION_DAMAGED', hint: /Nothing was deleted/ });
      assert.deepEqual(readFileSync(file), bytes);
    });

    it('of a newer program says to upgrade', async () => {
      await (await open('newer')).close();
      const database = new Database(fileOf('newer', 'catalog.sqlite'));
      database.pragma('user_version = 1000');
      database.close();
      await assert.rejects(open('newer'), { code: 'COLLECTION_DAMAGED', hint: /Upgrade/ });
    });
  });

  describe('reindexing', () => {
    const NEXT = { ...MODEL, prefilterHash: 'c'.repeat(64) };
    const reembed = async (store: Store) => {
      const pending = await store.pendingImages({ after: 0, limit: 1000 });
      const batch = pending.map(({ imageId, captions }) => ({
        imageId,
        embedding: record(100 + imageId).embedding,
        captions: captions.map(({ captionId }) => ({ captionId, embedding: record(100 + captionId).embedding })),
        modelInput: null,
      }));
      await store.putReembeddings(batch);
      return batch.length;
    };

    it('starts over where its file is damaged, or of a newer Patchword', async () => {
      for (const damage of ['garbage', 'newer']) {
        const file = fileOf(`torn-${damage}`, 'reindex.sqlite');
        const store = await open(`torn-${damage}`);
        await upsertTo(store, { path: ROOT, images: records(0, 3) });
        await store.beginReindex(NEXT);
        await reembed(store);
        await store.close();
        if (damage === 'garbage') writeFileSync(file, 'garbage '.repeat(1000));
        else new Database(file).pragma('user_version = 99');
        const again = await open(`torn-${damage}`);
        assert.deepEqual(await again.beginReindex(NEXT), { total: 3, done: 0, abandoned: null });
        assert.equal(await reembed(again), 3);
        await again.finishReindex({ unreadable: [] });
      }
    });

    it('is not taken for unfinished where a process died after the swap', async () => {
      const store = await open('left-over');
      await upsertTo(store, { path: ROOT, images: records(0, 3) });
      await store.beginReindex(NEXT);
      await reembed(store);
      cpSync(fileOf('left-over', 'reindex.sqlite'), path.join(data.path, 'left-over.sqlite'));
      await store.finishReindex({ unreadable: [] });
      await store.close();
      cpSync(path.join(data.path, 'left-over.sqlite'), fileOf('left-over', 'reindex.sqlite'));
      const again = await open('left-over');
      assert.deepEqual((await again.info()).model, NEXT);
      assert.deepEqual(await again.beginReindex(MODEL), { total: 3, done: 0, abandoned: null });
    });

    it('replaces the files of vectors', async () => {
      const store = await open('graphs');
      const ids = await upsertTo(store, { path: ROOT, images: records(0, 40) });
      await store.flush();
      const manifest = readFileSync(fileOf('graphs', 'manifest.json'), 'utf8');
      await store.beginReindex(NEXT);
      await reembed(store);
      await store.finishReindex({ unreadable: [] });
      await store.close();
      const killed = await open('graphs'); // before the files were written
      const images = new Map(ids.map((id) => [id, record(100 + id)]));
      const found = async (from: Store) => {
        const all = await neighborsOf(from, { target: 'images', embedding: images.get(ids[5])!.embedding, k: 40 });
        return all.map(({ id }) => id);
      };
      assert.equal((await found(killed))[0], ids[5]);
      await killed.flush();
      assert.notEqual(readFileSync(fileOf('graphs', 'manifest.json'), 'utf8'), manifest);
      await killed.close();
      notes.length = 0;
      const again = await open('graphs');
      assert.equal((await found(again))[0], ids[5]);
      assert.deepEqual(notes, []);
    });
  });

  describe('cache of model inputs', () => {
    it('stays within its bound, and can be filled again', async () => {
      const store = await open('cache', { inputCacheBytes: 100_000 });
      const large = (seed: number) =>
        record(seed, { modelInput: { width: 64, height: 64, pixels: new Uint8Array(12_288).fill(seed) } });
      const ids = await upsertTo(store, { path: ROOT, images: Array.from({ length: 30 }, (_, i) => large(i)) });
      const kept = await store.getModelInputs(ids);
      assert.equal(kept[0], null);
      assert.deepEqual(kept.at(-1), large(29).modelInput);
      await store.putModelInputs([
        { imageId: ids[0], contentHash: large(0).contentHash, modelInput: large(0).modelInput },
      ]);
      assert.deepEqual(await store.getModelInputs([ids[0]]), [large(0).modelInput]);
      assert.deepEqual(notes, []);
    });

    it('is filled again by an image that did not change', async () => {
      const store = await open('refilled');
      const [id] = await upsertTo(store, { path: ROOT, images: [record(1)] });
      await store.close();
      rmSync(fileOf('refilled', 'inputs.sqlite'));
      const again = await open('refilled');
      assert.deepEqual(await again.getModelInputs([id]), [null]);
      await upsertTo(again, { path: ROOT, images: [record(1)] });
      assert.deepEqual(await again.getModelInputs([id]), [record(1).modelInput]);
    });

    it('is no reason for an upsert to fail', async () => {
      const store = await open('no-cache');
      mkdirSync(fileOf('no-cache', 'inputs.sqlite'));
      const [id] = await upsertTo(store, { path: ROOT, images: [record(1)] });
      assert.deepEqual(await store.getModelInputs([id]), [null]);
      assert.equal(notes.length, 1);
    });
  });
});
