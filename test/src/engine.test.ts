import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { openEngine, type Engine, type EngineOptions, type ImageHit } from '../../src/index.js';
import { BUNDLED_MODEL } from '../../src/paths.js';
import { fixture, temporaryFolder } from '../fixture.js';
import { indexSample, PICTURES } from './sample.js';
import { writeVariant } from './vilt/variant.js';

const QUERY = { text: 'there are four blue sheep in the hills', k: 3, candidates: 8 };

describe('openEngine', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const at = (...parts: string[]) => path.join(folder.path, ...parts);
  let engine: Engine;
  let retrained: string;

  /** Opens, hands over and closes again. */
  async function withEngine<T>(options: Partial<EngineOptions>, use: (engine: Engine) => Promise<T>): Promise<T> {
    const opened = await openEngine({ collection: 'small', data: at('data'), ...options });
    try {
      return await use(opened);
    } finally {
      await opened.close();
    }
  }
  const open = (options: Partial<EngineOptions>) => withEngine(options, () => Promise.resolve());
  const collections = () =>
    existsSync(at('data', 'collections')) ? readdirSync(at('data', 'collections')).sort() : [];

  before(async () => {
    engine = await indexSample(folder.path);
    retrained = await writeVariant(at('retrained'), {
      from: BUNDLED_MODEL,
      change: (tensors) => void (tensors.get('rank_output.bias')!.values[0] += 0.25),
    });
  });
  after(() => engine?.close());

  describe('refuses', () => {
    it('a collection that is not there, naming those that are, and makes none', async () => {
      await assert.rejects(open({ collection: 'unknown' }), {
        code: 'COLLECTION_NOT_FOUND',
        message: /no collection "unknown" in .*; there are: small/,
        hint: /patchword index/,
      });
      await assert.rejects(open({ data: at('no', 'data') }), { code: 'COLLECTION_NOT_FOUND', message: /none yet/ });
      assert.ok(!existsSync(at('no')));
      assert.deepEqual(collections(), ['small']);
    });

    it('a name that leaves the data folder', async () => {
      for (const collection of ['../small', 'a/b', '', '.hidden']) {
        await assert.rejects(open({ collection, create: true }), { code: 'INVALID_ARGUMENT' });
      }
      assert.deepEqual(collections(), ['small']);
    });

    it('a new collection of a model without embeddings, naming what is missing, and makes none', async () => {
      const model = fixture('tiny-vilt-end-to-end');
      await assert.rejects(open({ collection: 'new', model, create: true }), {
        code: 'PREFILTER_MISSING',
        message: /no prefilter\.image_projection and prefilter\.text_projection .*It can be scored/,
        hint: /patchword fit --model .*tiny-vilt-end-to-end --captions/,
      });
      assert.deepEqual(collections(), ['small']);
    });

    it('a new collection of a model that is not there, and makes none', async () => {
      const model = at('nowhere');
      await assert.rejects(open({ collection: 'new', model, create: true }), { code: 'MODEL_NOT_FOUND' });
      assert.deepEqual(collections(), ['small']);
    });

    it('a collection of another model, and leaves it as it was', async () => {
      const before = await engine.search(QUERY).final();
      const files = at('data', 'collections', 'small');
      const catalog = readFileSync(path.join(files, 'catalog.sqlite'));
      const names = readdirSync(files).sort();
      for (const create of [false, true]) {
        await assert.rejects(open({ model: retrained, create }), {
          code: 'MODEL_MISMATCH',
          message:
            /"small" was built with the model .*data.model \(weights [0-9a-f]{12}\), not with .*retrained \(weights [0-9a-f]{12}\)/,
          hint: /Leave out --model/,
        });
      }
      assert.deepEqual(readdirSync(files).sort(), names);
      assert.ok(readFileSync(path.join(files, 'catalog.sqlite')).equals(catalog));
      await withEngine({}, async (again) => {
        assert.deepEqual(await again.info(), await engine.info());
        const { hits } = await again.search(QUERY).final();
        assert.deepEqual(hits, before.hits);
      });
    });

    it('a collection of another model without embeddings at all', async () => {
      await assert.rejects(open({ model: fixture('tiny-vilt-end-to-end') }), { code: 'MODEL_MISMATCH' });
    });
  });

  it('opens a collection with the model that it was built with', async () => {
    const info = await engine.info();
    assert.deepEqual([info.name, info.images, info.captions], ['small', PICTURES, 5 * PICTURES]);
    assert.equal(info.folder, at('data', 'collections', 'small'));
    assert.equal(info.model.path, 'bundled'); // wherever Patchword is installed
    assert.equal(info.model.hash, engine.inference.info.hash);
    await withEngine({}, async (again) => {
      assert.equal(again.inference.info.folder, BUNDLED_MODEL);
      assert.deepEqual(await again.info(), info);
    });
  });

  it('opens one that is there as it is, also where it would make one', async () => {
    await withEngine({ create: true }, async (again) => assert.equal((await again.info()).images, PICTURES));
  });

  it('takes the same weights from another place', async () => {
    cpSync(BUNDLED_MODEL, at('elsewhere'), { recursive: true, filter: (file) => !file.endsWith('.graphs') });
    await withEngine({ model: at('elsewhere') }, async (again) => {
      assert.equal((await again.search(QUERY).final()).hits[0].file, 'scene-000021.jpg');
    });
  });

  it('remembers a model of the user, and says so when it has moved', async () => {
    const own = { collection: 'own', data: at('others') };
    await open({ ...own, model: retrained, create: true });
    await withEngine(own, async (engine) => {
      assert.equal(engine.inference.info.folder, retrained);
      assert.equal((await engine.info()).model.path, path.join(retrained, 'model.safetensors'));
      await assert.doesNotReject(engine.search(QUERY).final());
    });
    renameSync(retrained, at('moved'));
    await assert.rejects(open(own), { code: 'MODEL_NOT_FOUND', message: /retrained/ });
    await open({ ...own, model: at('moved') });
    renameSync(at('moved'), retrained);
  });

  it('looks for collections where PATCHWORD_DATA says', async () => {
    const { PATCHWORD_DATA } = process.env;
    process.env.PATCHWORD_DATA = at('data');
    try {
      await withEngine({ data: undefined }, async (again) => assert.equal((await again.info()).images, PICTURES));
    } finally {
      if (PATCHWORD_DATA === undefined) delete process.env.PATCHWORD_DATA;
      else process.env.PATCHWORD_DATA = PATCHWORD_DATA;
    }
  });

  it('runs the model as asked, and notes a device that is not there', async () => {
    const notes: string[] = [];
    await withEngine({ precision: 'int8', device: 'cuda', onNote: (line) => notes.push(line) }, async (rough) => {
      const { precision, device } = rough.inference.info;
      assert.equal(precision, 'int8');
      assert.deepEqual(notes, rough.inference.info.notes);
      assert.equal(notes.length, device === 'cuda' ? 0 : 1);
      assert.equal((await rough.search(QUERY).final()).hits[0].file, 'scene-000021.jpg');
    });
  });

  it('is used as the documentation shows', async () => {
    const shown: string[] = [];
    for await (const update of engine.search({ text: 'there are four blue sheep in the hills' }))
      shown.push(update.stage);
    assert.deepEqual([shown[0], shown.at(-1)], ['nearest', 'final']);
    const { hits } = await engine.search({ text: 'there are four blue sheep in the hills' }).final();
    const [best] = hits as ImageHit[];
    assert.ok(best.captions.includes('there are four blue sheep in the hills'));
    assert.equal(typeof best.matchScore, 'number');
  });

  describe('close', () => {
    it('may be called twice, and refuses searches afterwards', async () => {
      const closed = await openEngine({ collection: 'small', data: at('data') });
      const search = closed.search(QUERY);
      await Promise.all([closed.close(), closed.close()]);
      await closed.close();
      await assert.rejects(search.final(), { name: 'PatchwordError' });
    });

    it('ends a search under way, one way or the other', async () => {
      const closed = await openEngine({ collection: 'small', data: at('data') });
      const search = closed.search({ ...QUERY, candidates: 32 }).final();
      const settled = search.then(
        ({ stage }) => stage,
        (error: unknown) => (error as Error).name,
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
      await closed.close();
      assert.ok(['final', 'PatchwordError'].includes(await settled));
    });

    it('leaves other engines on the collection open', async () => {
      await open({});
      assert.equal((await engine.search(QUERY).final()).hits.length, 3);
    });
  });
});
