import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import {
  deleteCollection,
  inspectCollections,
  renameCollection,
  stageCollection,
} from '../../../../src/store/sqlite/collections.js';
import { listCollections } from '../../../../src/store/sqlite/folders.js';
import { openStore } from '../../../../src/store/sqlite/store.js';
import { temporaryFolder } from '../../../fixture.js';
import { modelOf } from '../records.js';

const STORE = new URL('../../../../src/store/sqlite/store.js', import.meta.url).href;

describe('collections', () => {
  const temporary = temporaryFolder();
  let data: string;
  const children: ChildProcessWithoutNullStreams[] = [];
  let count = 0;

  beforeEach(() => void (data = path.join(temporary.path, String(count++))));
  afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

  const folderOf = (name: string) => path.join(data, 'collections', name);
  const create = async (name: string) => (await openStore({ data, name, create: modelOf(8) })).close();

  /** Another process that opens a collection and holds it, as a server does, until it is killed. */
  async function openElsewhere(name: string): Promise<ChildProcessWithoutNullStreams> {
    const script = `
      import { openStore } from ${JSON.stringify(STORE)};
      const store = await openStore({ data: ${JSON.stringify(data)}, name: ${JSON.stringify(name)} });
      console.log((await store.info()).name);
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    children.push(child);
    await once(child.stdout, 'data');
    return child;
  }

  describe('renameCollection', () => {
    for (const to of ['', '.hidden', 'a/b', '..', 'a b', 'x'.repeat(65)]) {
      it(`refuses the name ${JSON.stringify(to.slice(0, 10))}`, async () => {
        await create('foxes');
        await assert.rejects(renameCollection({ data, name: 'foxes', to }), { code: 'INVALID_ARGUMENT' });
        assert.deepEqual(await listCollections(data), ['foxes']);
      });
    }

    it('refuses one that is not there, and a name that is taken, by whatever it is', async () => {
      const absent = renameCollection({ data, name: 'foxes', to: 'bears' });
      await assert.rejects(absent, { code: 'COLLECTION_NOT_FOUND', message: /there is none yet/ });
      await create('foxes');
      await create('bears');
      mkdirSync(folderOf('empty'));
      for (const to of ['bears', 'foxes', 'empty']) {
        await assert.rejects(renameCollection({ data, name: 'foxes', to }), { code: 'INVALID_ARGUMENT' });
      }
      assert.deepEqual(await listCollections(data), ['bears', 'foxes']);
    });

    it('refuses while another process has it open, and works once that has died', async () => {
      await create('foxes');
      const child = await openElsewhere('foxes');
      const busy = renameCollection({ data, name: 'foxes', to: 'bears' });
      await assert.rejects(busy, { code: 'COLLECTION_BUSY', message: /Another process uses/ });
      child.kill('SIGKILL');
      await once(child, 'exit');
      await renameCollection({ data, name: 'foxes', to: 'bears' });
      assert.deepEqual(await listCollections(data), ['bears']);
      const store = await openStore({ data, name: 'bears' });
      assert.equal((await store.info()).name, 'bears');
      await store.close();
    });
  });

  describe('deleteCollection', () => {
    it('refuses one that is not there', async () => {
      await assert.rejects(deleteCollection({ data, name: 'foxes' }), { code: 'COLLECTION_NOT_FOUND' });
      mkdirSync(folderOf('empty'), { recursive: true });
      await assert.rejects(deleteCollection({ data, name: 'empty' }), { code: 'COLLECTION_NOT_FOUND' });
      await assert.rejects(deleteCollection({ data, name: '../x' }), { code: 'INVALID_ARGUMENT' });
    });

    it('refuses while anyone has it open, who notices nothing', async () => {
      await create('foxes');
      const child = await openElsewhere('foxes');
      const store = await openStore({ data, name: 'foxes' });
      await assert.rejects(deleteCollection({ data, name: 'foxes' }), { code: 'COLLECTION_BUSY' });
      child.kill('SIGKILL');
      await once(child, 'exit');
      await assert.rejects(deleteCollection({ data, name: 'foxes' }), { code: 'COLLECTION_BUSY' });
      assert.equal((await store.info()).images, 0);
      await store.close();
      await deleteCollection({ data, name: 'foxes' });
      assert.deepEqual(readdirSync(path.join(data, 'collections')), []);
    });

    it('refuses where its folder holds what is not of Patchword', async () => {
      await create('foxes');
      mkdirSync(path.join(folderOf('foxes'), 'photos'));
      writeFileSync(path.join(folderOf('foxes'), 'photos', 'fox.jpg'), 'mine');
      const refused = deleteCollection({ data, name: 'foxes' });
      await assert.rejects(refused, { code: 'INVALID_ARGUMENT', message: /photos/ });
      assert.ok(existsSync(path.join(folderOf('foxes'), 'photos', 'fox.jpg')));
    });

    it('removes all of it, also of one that is damaged or lies elsewhere', async () => {
      await create('foxes');
      writeFileSync(path.join(folderOf('foxes'), 'catalog.sqlite'), 'garbage');
      await deleteCollection({ data, name: 'foxes' });

      await create('bears');
      const elsewhere = path.join(temporary.path, 'elsewhere', 'bears');
      mkdirSync(path.dirname(elsewhere));
      renameSync(folderOf('bears'), elsewhere);
      symlinkSync(elsewhere, folderOf('bears'));
      await deleteCollection({ data, name: 'bears' });
      assert.ok(!existsSync(elsewhere));
      assert.deepEqual(readdirSync(path.join(data, 'collections')), []);
    });
  });

  describe('inspectCollections', () => {
    it('lists none where there is no folder', async () => assert.deepEqual(await inspectCollections(data), []));

    it('lists those that cannot be read with what is wrong, and the others', async () => {
      await create('foxes');
      for (const name of ['empty', 'garbage', 'newer', 'tableless']) mkdirSync(folderOf(name), { recursive: true });
      writeFileSync(path.join(folderOf('empty'), 'catalog.sqlite'), '');
      writeFileSync(path.join(folderOf('garbage'), 'catalog.sqlite'), 'garbage '.repeat(1000));
      const withVersion = (name: string, version: number) => {
        const database = new Database(path.join(folderOf(name), 'catalog.sqlite'));
        database.pragma(`user_version = ${version}`);
        database.close();
      };
      withVersion('newer', 1000);
      withVersion('tableless', 1);

      const [empty, foxes, garbage, newer, tableless] = await inspectCollections(data);
      assert.ok('images' in foxes);
      const { bytes, ...summary } = foxes;
      const model = { path: modelOf(8).path, hash: modelOf(8).hash };
      assert.deepEqual(summary, { name: 'foxes', images: 0, captions: 0, model });
      assert.ok(bytes > 4096);
      for (const [summary, name] of [
        [empty, 'empty'],
        [garbage, 'garbage'],
        [newer, 'newer'],
        [tableless, 'tableless'],
      ] as const) {
        assert.equal(summary.name, name);
        assert.ok('error' in summary, name);
        assert.equal(summary.error.code, 'COLLECTION_DAMAGED');
      }
    });

    it('lists one that is being written to', async () => {
      await create('foxes');
      await openElsewhere('foxes');
      const [foxes] = await inspectCollections(data);
      assert.ok('images' in foxes);
    });

    it('clears away what processes that died left, and not what lives', async () => {
      await create('foxes');
      const staged = await stageCollection({ data, name: 'bears' });
      const dead = folderOf('.import-dead');
      mkdirSync(dead);
      new Database(path.join(dead, 'lock.sqlite')).exec('CREATE TABLE t (a)').close();
      const old = folderOf('.import-old');
      mkdirSync(old);
      utimesSync(old, 1, 1);
      mkdirSync(folderOf('.import-new'));
      mkdirSync(folderOf('.deleted-x'));
      writeFileSync(path.join(folderOf('.deleted-x'), 'catalog.sqlite'), 'half');
      mkdirSync(folderOf('.mine'));

      assert.deepEqual(
        (await inspectCollections(data)).map(({ name }) => name),
        ['foxes'],
      );
      const left = readdirSync(path.join(data, 'collections')).sort();
      assert.deepEqual(left, ['.import-new', path.basename(staged.data), '.mine', 'foxes'].sort());
      await staged.discard();
    });
  });

  describe('stageCollection', () => {
    it('refuses a name that is taken, at first and at last', async () => {
      await create('foxes');
      await assert.rejects(stageCollection({ data, name: 'foxes' }), {
        code: 'INVALID_ARGUMENT',
        hint: /delete foxes/,
      });
      const staged = await stageCollection({ data, name: 'bears' });
      await (await openStore({ data: staged.data, name: 'bears', create: modelOf(8) })).close();
      await create('bears');
      await assert.rejects(staged.publish(), { code: 'INVALID_ARGUMENT' });
      await staged.discard();
      assert.deepEqual(readdirSync(path.join(data, 'collections')).sort(), ['bears', 'foxes']);
    });

    it('hides a collection until it is published', async () => {
      const staged = await stageCollection({ data, name: 'bears' });
      await (await openStore({ data: staged.data, name: 'bears', create: modelOf(16) })).close();
      assert.deepEqual(await listCollections(data), []);
      await staged.publish();
      await staged.discard();
      assert.deepEqual(readdirSync(path.join(data, 'collections')), ['bears']);
      const store = await openStore({ data, name: 'bears' });
      assert.equal((await store.info()).model.dimension, 16);
      await store.close();
      rmSync(data, { recursive: true });
    });
  });
});
