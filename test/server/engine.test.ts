import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pino } from 'pino';
import { ServedEngine } from '../../server/engine.js';
import { type Engine, openEngine } from '../../src/engine.js';
import { PatchwordError } from '../../src/errors.js';
import { BUNDLED_MODEL } from '../../src/paths.js';
import { runPatchword } from '../command.js';
import { temporaryFolder } from '../fixture.js';
import { writeReversedModel } from '../indexer/models.js';
import { type Answer, type Failed, json, samplePicture, serveSmallCollection } from './collection.js';

interface LogLine {
  level: number;
  msg: string;
}

describe('a server whose collection changes', function () {
  this.timeout(120_000);
  const temporary = temporaryFolder();
  const served = serveSmallCollection();
  const data = () => path.join(path.dirname(served.source), 'data');
  const run = (...parameters: string[]) => runPatchword([...parameters, '--data', data()]);
  const search = (text: string) => fetch(`${served.url}/v1/search?k=3&text=${encodeURIComponent(text)}`);
  const reopened = () => served.log.map((line) => JSON.parse(line) as LogLine).filter(({ msg }) => /anew/.test(msg));
  const ids = ({ hits }: Answer) => hits.map(({ imageId }) => imageId);
  let caption: string;

  before(async () => void (caption = (await samplePicture(3)).captions[0]));

  async function find(): Promise<Answer> {
    const response = await search(caption);
    assert.equal(response.status, 200, await response.clone().text());
    return json<Answer>(response);
  }

  it('goes on where deleting or renaming it was refused', async () => {
    const deleted = await run('collection', 'delete', 'small', '--yes');
    assert.equal(deleted.code, 7, deleted.stderr);
    assert.match(deleted.stderr, /Another process uses/);
    assert.equal((await run('collection', 'rename', 'small', 'large')).code, 7);
    assert.equal((await find()).hits.length, 3);
  });

  it('goes on while another process backs it up, verifies, compacts and exports it', async () => {
    const before = ids(await find());
    const verbs = [
      ['backup', 'small', path.join(temporary.path, 'backup')],
      ['verify', 'small'],
      ['compact', 'small'],
      ['export', 'small', path.join(temporary.path, 'export.tar')],
      ['info', 'small'],
    ];
    for (const verb of verbs) {
      const outcome = await run('collection', ...verb);
      assert.equal(outcome.code, 0, `${verb[0]}: ${outcome.stderr}`);
      assert.deepEqual(ids(await find()), before, verb[0]);
    }
  });

  it('finds what another process indexes', async () => {
    const { file, captions } = await samplePicture(200);
    const folder = path.join(temporary.path, 'more');
    mkdirSync(folder);
    copyFileSync(file, path.join(folder, path.basename(file)));
    const indexed = await run('index', folder, '--collection', 'small');
    assert.equal(indexed.code, 0, indexed.stderr);
    const { hits } = await json<Answer>(await search(captions[0]));
    assert.ok(hits.some((hit) => hit.file === path.basename(file)));
  });

  it('opens it anew, once, when it was reindexed with another model; no search fails', async () => {
    const before = await find();
    const model = await writeReversedModel(path.join(temporary.path, 'model'));
    const reindexed = await run('reindex', 'small', '--model', model);
    assert.equal(reindexed.code, 0, reindexed.stderr);
    const statuses = await Promise.all(Array.from({ length: 6 }, async () => (await search(caption)).status));
    assert.deepEqual(new Set(statuses), new Set([200]));
    assert.equal(reopened().length, 1);
    assert.deepEqual(ids(await find()), ids(before), 'ids stay, and this model finds the same');
    const collection = await json<{ model: { name: string } }>(await fetch(`${served.url}/v1/collection`));
    assert.equal(collection.model.name, 'model');
    assert.equal(reopened().length, 1);
  });

  it('says so where it cannot be opened anew, and does once it can', async () => {
    const model = path.join(temporary.path, 'model');
    assert.equal((await run('reindex', 'small', '--model', BUNDLED_MODEL)).code, 0);
    await find();
    assert.equal((await run('reindex', 'small', '--model', model)).code, 0);
    rmSync(model, { recursive: true });
    const response = await search(caption);
    assert.equal(response.status, 500);
    const body = await response.text();
    assert.equal((JSON.parse(body) as Failed).error.code, 'MODEL_NOT_FOUND');
    assert.ok(!body.includes(temporary.path), "the folders of the server are nobody's business");
    assert.equal((await fetch(`${served.url}/v1/images/1/thumbnail`)).status, 200, 'pictures are shown all the same');
    await writeReversedModel(model);
    await find();
  });
});

describe('ServedEngine', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const logger = pino({ level: 'silent' });
  const opened: Engine[] = [];
  const isClosed = (engine: Engine) =>
    engine.store.info().then(
      () => false,
      () => true,
    );
  const changed = new PatchwordError('MODEL_MISMATCH', 'changed');

  async function open(): Promise<Engine> {
    const engine = await openEngine({ collection: 'empty', data: temporary.path, create: true });
    opened.push(engine);
    return engine;
  }

  afterEach(async () => void (await Promise.all(opened.splice(0).map((engine) => engine.close()))));

  it('passes on every other failure, and opens nothing', async () => {
    const served = new ServedEngine({ engine: await open(), open, logger });
    await assert.rejects(
      served.use(() => Promise.reject(new Error('other'))),
      /other/,
    );
    assert.equal(opened.length, 1);
  });

  it('keeps the old engine where it cannot be opened anew', async () => {
    const served = new ServedEngine({
      engine: await open(),
      open: () => Promise.reject(new PatchwordError('MODEL_NOT_FOUND', 'gone')),
      logger,
    });
    await assert.rejects(
      served.use(() => Promise.reject(changed)),
      { code: 'MODEL_NOT_FOUND' },
    );
    assert.equal(await served.use(async (engine) => (await engine.info()).images), 0);
    await served.close();
    assert.ok(await isClosed(opened[0]));
  });

  it('does not keep a caller who goes away while it opens', async () => {
    const controller = new AbortController();
    const slowly = async () => (controller.abort(new Error('away')), open());
    const served = new ServedEngine({ engine: await open(), open: slowly, logger });
    await assert.rejects(
      served.use(() => Promise.reject(changed), controller.signal),
      /away/,
    );
    await served.close();
    for (const engine of opened) assert.ok(await isClosed(engine));
  });

  it('opens nothing for a caller who is gone, whether or not it can be opened', async () => {
    const controller = new AbortController();
    let tries = 0;
    const failing = () => Promise.reject(new PatchwordError('MODEL_NOT_FOUND', `try ${(tries += 1)}`));
    const served = new ServedEngine({ engine: await open(), open: failing, logger });
    const work = () => (controller.abort(new Error('away')), Promise.reject(changed));
    await assert.rejects(served.use(work, controller.signal), /away/);
    assert.equal(tries, 0);
    await served.close();
  });

  it('opens once for all who notice, and closes the old engine after its last request', async () => {
    const served = new ServedEngine({ engine: await open(), open, logger });
    const [old] = opened;
    let finish = () => {};
    const long = served.use(async (engine) => {
      await new Promise<void>((resolve) => (finish = resolve));
      return (await engine.info()).images;
    });
    const used = await Promise.all(
      Array.from({ length: 5 }, () =>
        served.use((engine) => (engine === old ? Promise.reject(changed) : Promise.resolve(engine))),
      ),
    );
    assert.equal(opened.length, 2);
    assert.ok(used.every((engine) => engine === opened[1]));
    assert.equal(await isClosed(old), false, 'while a request is under way');
    finish();
    assert.equal(await long, 0);
    assert.equal(await isClosed(old), true);
    assert.equal(await isClosed(opened[1]), false);
    await served.close();
    assert.equal(await isClosed(opened[1]), true);
  });
});
