import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ingest } from '../../indexer/ingestion.js';
import { withStore } from '../../indexer/opening.js';
import { reindex, type ReindexOptions } from '../../indexer/reindexing.js';
import { type Engine, openEngine } from '../../src/engine.js';
import type { Inference } from '../../src/inference/inference.js';
import { BUNDLED_MODEL, BUNDLED_SAMPLE } from '../../src/paths.js';
import type { ImageHit, SearchUpdate } from '../../src/search.js';
import type { StoredImage } from '../../src/store/store.js';
import { fixture, temporaryFolder } from '../fixture.js';
import { writeReversedModel, writeSmallModel } from './models.js';
import { scanSource, upsertTo } from '../src/store/records.js';

/** A batch, and a part of one. */
const PICTURES = 40;
const BATCH = 32;

/** The picture whose caption is searched for. */
const QUERY = 5;

interface Sample {
  images: { filename: string; sentences: { raw: string }[] }[];
}

function aborting(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

describe('reindex', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  const engines: Engine[] = [];
  let captions: string[];
  let reversed: string;
  let small: string;
  let stored: StoredImage[];
  let earlier: SearchUpdate;

  const open = async (model?: string) => {
    const engine = await openEngine({ collection: 'photos', data: at('data'), model });
    engines.push(engine);
    return engine;
  };
  const find = (engine: Engine) => engine.search({ text: captions[QUERY], k: 5, candidates: 8 }).final();
  const fileOf = (index: number) => at('photos', `${String(index).padStart(3, '0')}.jpg`);
  const allImages = ({ store }: Engine) => scanSource(store, { path: at('photos') });
  const catalog = (name: string) => at('data', 'collections', 'photos', name);

  /** Runs a reindex, counting the pictures and captions that the model embeds. */
  async function run(
    model: string | undefined,
    { onBatch, ...options }: Partial<ReindexOptions> & { onBatch?: () => unknown } = {},
  ) {
    const embedded = { images: 0, captions: 0, prepared: 0 };
    const notes: string[] = [];
    const result = await withStore({ collection: 'photos', data: at('data'), model }, ({ store, inference }) => {
      const counted: Inference = {
        ...inference,
        prepare: (...parameters) => ((embedded.prepared += 1), inference.prepare(...parameters)),
        async embedImages(images, job) {
          embedded.images += images.length;
          await onBatch?.();
          return inference.embedImages(images, job);
        },
        embedTexts: (texts, job) => ((embedded.captions += texts.length), inference.embedTexts(texts, job)),
      };
      const onNote = (line: string) => void notes.push(line);
      return reindex({ store, inference: counted, onNote, ...options }).catch((error: unknown) => error as Error);
    });
    return { result, embedded, notes };
  }

  async function succeed(...parameters: Parameters<typeof run>) {
    const { result, ...counted } = await run(...parameters);
    if (result instanceof Error) throw result;
    return { result, ...counted };
  }

  /** Same hits in the same order with the same scores: of a reversed model, of one that was not mixed with another. */
  function assertSameHits(update: SearchUpdate, expected = earlier): void {
    const rounded = ({ hits }: SearchUpdate) =>
      (hits as ImageHit[]).map(({ imageId, file, similarity, matchScore }) => [
        imageId,
        file,
        similarity!.toFixed(4),
        matchScore!.toFixed(3),
      ]);
    assert.deepEqual(rounded(update), rounded(expected));
  }

  before(async () => {
    reversed = await writeReversedModel(at('reversed'));
    small = writeSmallModel(at('small'), 64);
    mkdirSync(at('photos'));
    const { images } = JSON.parse(readFileSync(BUNDLED_SAMPLE, 'utf8')) as Sample;
    captions = images.slice(0, PICTURES).map(({ sentences }) => sentences[0].raw);
    for (const [index, caption] of captions.entries()) {
      copyFileSync(path.join(path.dirname(BUNDLED_SAMPLE), 'images', images[index].filename), fileOf(index));
      writeFileSync(fileOf(index).replace('.jpg', '.txt'), caption);
    }
    const engine = await openEngine({ collection: 'photos', data: at('data'), create: true });
    await ingest({ engine, source: at('photos') });
    stored = await allImages(engine);
    earlier = await find(engine);
    await engine.close();
    cpSync(at('data'), at('fresh'), { recursive: true });
  });
  beforeEach(() => {
    rmSync(at('data'), { recursive: true, force: true });
    cpSync(at('fresh'), at('data'), { recursive: true });
  });
  afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.close())));

  it('has nothing to do where the collection has the embeddings of that model', async () => {
    for (const model of [undefined, BUNDLED_MODEL]) {
      const { result, embedded, notes } = await succeed(model);
      assert.deepEqual(result, { images: 0, captions: 0, skipped: [], seconds: 0 });
      assert.deepEqual(embedded, { images: 0, captions: 0, prepared: 0 });
      assert.match(notes[0], /nothing to do/);
    }
    assert.ok(!existsSync(catalog('reindex.sqlite')));
  });

  it('refuses a model without prefilter heads before it writes anything', async () => {
    const { result } = await run(fixture('tiny-vilt-end-to-end'));
    assert.equal((result as { code?: string }).code, 'PREFILTER_MISSING');
    assert.ok(!existsSync(catalog('reindex.sqlite')));
  });

  it('serves the old until the swap; then an open engine says so, and one opened again has the new', async () => {
    const engine = await open();
    let batches = 0;
    const { result, embedded } = await succeed(reversed, {
      async onBatch() {
        batches += 1;
        assertSameHits(await find(engine));
        await assert.rejects(upsertTo(engine.store, { path: '/x', images: [] }), { code: 'COLLECTION_BUSY' });
      },
    });
    assert.equal(batches, 2);
    assert.deepEqual([result.images, result.captions, result.skipped], [PICTURES, PICTURES, []]);
    assert.deepEqual(embedded, { images: PICTURES, captions: PICTURES, prepared: 0 }, 'from the cache');
    await assert.rejects(find(engine), { code: 'MODEL_MISMATCH', hint: /again/ });
    await assert.rejects(openEngine({ collection: 'photos', data: at('data'), model: BUNDLED_MODEL }), {
      code: 'MODEL_MISMATCH',
    });
    const again = await open();
    assert.equal(again.inference.info.folder, reversed);
    assertSameHits(await find(again));
    assert.deepEqual(await allImages(again), stored);
    assert.ok(!existsSync(catalog('reindex.sqlite')));
  });

  it('continues where it was stopped, embedding nothing twice', async () => {
    const { signal, abort } = aborting();
    const first = await run(reversed, { signal, onBatch: abort });
    assert.equal((first.result as Error).message, `Stopped after ${BATCH} of ${PICTURES} pictures; they are kept.`);
    const engine = await open();
    assertSameHits(await find(engine));
    await engine.close();

    const states: number[] = [];
    const { embedded, notes } = await succeed(reversed, { onProgress: ({ done }) => void states.push(done) });
    assert.deepEqual([first.embedded.images, first.embedded.captions], [BATCH, BATCH]);
    assert.deepEqual([embedded.images, embedded.captions], [PICTURES - BATCH, PICTURES - BATCH]);
    assert.equal(states[0], BATCH);
    assert.match(notes[0], new RegExp(`^${BATCH} of ${PICTURES} pictures were embedded before`));
    assertSameHits(await find(await open()));
  });

  it('continues with the captions alone of a picture that was embedded and is gone by now, and finds it', async () => {
    const { signal, abort } = aborting();
    await run(small, { signal, onBatch: abort });
    const text = fileOf(QUERY).replace('.jpg', '.txt');
    const engine = await open();
    writeFileSync(text, 'something else');
    await ingest({ engine, source: at('photos') });
    await engine.close();
    renameSync(fileOf(QUERY), at('away.jpg'));
    try {
      const { result, embedded } = await succeed(small);
      assert.deepEqual(result.skipped, []);
      assert.deepEqual([result.images, result.captions], [PICTURES - BATCH, PICTURES - BATCH + 1]);
      assert.equal(embedded.images, PICTURES - BATCH);
      const images = await allImages(await open());
      assert.deepEqual(
        images.filter(({ searchable }) => !searchable),
        [],
      );
    } finally {
      renameSync(at('away.jpg'), fileOf(QUERY));
      writeFileSync(text, captions[QUERY]);
    }
  });

  it('starts over towards a third model, and says so', async () => {
    const { signal, abort } = aborting();
    await run(reversed, { signal, onBatch: abort });
    const { embedded, notes } = await succeed(small);
    assert.equal(embedded.images, PICTURES);
    assert.match(notes[0], /unfinished reindex with .*reversed.* is given up/);
  });

  it('survives a kill, with the old intact, and continues', async () => {
    const script = fileURLToPath(new URL('./process.js', import.meta.url));
    const child = spawn(process.execPath, [script, at('data'), 'photos', reversed]);
    await once(child.stderr, 'data');
    const engine = await open();
    assertSameHits(await find(engine));
    child.kill('SIGKILL');
    await once(child, 'exit');
    assertSameHits(await find(engine));
    assertSameHits(await find(await open()));

    const { embedded } = await succeed(reversed);
    assert.equal(embedded.images, PICTURES - BATCH);
    await assert.rejects(find(engine), { code: 'MODEL_MISMATCH' });
    const again = await open();
    assertSameHits(await find(again));
    assert.deepEqual(await allImages(again), stored);
  });

  it('reads the originals for a model of another input size, and never uses inputs of the old', async () => {
    const { embedded } = await succeed(small);
    assert.equal(embedded.prepared, PICTURES);
    await assert.rejects(open(BUNDLED_MODEL), { code: 'MODEL_MISMATCH', message: /another image size/ });
    const engine = await open();
    assert.equal(engine.inference.info.config.shortestEdge, 64);
    const inputs = await engine.store.getModelInputs(stored.map(({ imageId }) => imageId));
    assert.ok(inputs.every((input) => input !== null && Math.min(input.width, input.height) === 64));
    const after = await find(engine);

    // What a new collection of that model finds.
    const fresh = await openEngine({ collection: 'fresh', data: at('data'), model: small, create: true });
    engines.push(fresh);
    await ingest({ engine: fresh, source: at('photos') });
    assertSameHits(after, await find(fresh));
  });

  it('keeps a picture that cannot be read or has changed, names it, and finds it again once it is indexed', async () => {
    renameSync(fileOf(QUERY), at('away.jpg'));
    const original = readFileSync(fileOf(7));
    copyFileSync(fileOf(8), fileOf(7));
    try {
      const { result } = await succeed(small);
      assert.equal(result.images, PICTURES - 2);
      assert.equal(result.captions, PICTURES);
      assert.deepEqual(
        result.skipped.map(({ file }) => file),
        [fileOf(QUERY), fileOf(7)],
      );
      assert.match(result.skipped[0].reason, /does not exist/);
      assert.match(result.skipped[1].reason, /has changed since it was indexed/);
      const engine = await open();
      const found = async () => {
        const { hits } = await engine.search({ text: captions[QUERY], k: PICTURES, rerank: { pairs: 0 } }).final();
        return (hits as ImageHit[]).map(({ imageId }) => imageId);
      };
      const { imageId } = stored[QUERY];
      assert.ok(!(await found()).includes(imageId));
      assert.equal((await engine.info()).images, PICTURES);

      renameSync(at('away.jpg'), fileOf(QUERY));
      writeFileSync(fileOf(7), original);
      const { updated, unchanged } = await ingest({ engine, source: at('photos') });
      assert.deepEqual({ updated, unchanged }, { updated: 2, unchanged: PICTURES - 2 });
      assert.ok((await found()).includes(imageId));
      assert.deepEqual(
        (await allImages(engine)).map(({ imageId, captions, searchable }) => ({ imageId, captions, searchable })),
        stored.map(({ imageId, captions, searchable }) => ({ imageId, captions, searchable })),
      );
    } finally {
      if (existsSync(at('away.jpg'))) renameSync(at('away.jpg'), fileOf(QUERY));
      writeFileSync(fileOf(7), original);
    }
  });

  it('stops where a folder in a source is empty that held pictures, unless it may be', async () => {
    const disk = at('photos', 'disk');
    const moved = path.join(disk, '007.jpg');
    mkdirSync(disk);
    renameSync(fileOf(7), moved);
    try {
      const engine = await open();
      await ingest({ engine, source: at('photos') });
      await engine.close();
      renameSync(moved, at('away.jpg'));
      const { result } = await run(small);
      assert.equal((result as { code?: string }).code, 'FILE_NOT_FOUND');
      assert.match((result as Error).message, /photos\/disk, where .* is not there or empty/);
      const before = await open();
      assert.equal((await find(before)).hits.length, 5, 'as it was');
      await before.close();
      const allowed = (await succeed(small, { allowMissing: true })).result;
      assert.deepEqual(
        allowed.skipped.map(({ file }) => file),
        [moved],
      );
    } finally {
      renameSync(existsSync(moved) ? moved : at('away.jpg'), fileOf(7));
      rmSync(disk, { recursive: true });
    }
  });

  it('stops where the folder of a source is gone, unless it may be', async () => {
    renameSync(at('photos'), at('unplugged'));
    try {
      const { result } = await run(small);
      assert.equal((result as { code?: string }).code, 'FILE_NOT_FOUND');
      assert.match((result as { hint?: string }).hint ?? '', /--allow-missing/);
      const engine = await open();
      assertSameHits(await find(engine));
      await engine.close();
      const allowed = (await succeed(small, { allowMissing: true })).result;
      assert.deepEqual([allowed.images, allowed.captions, allowed.skipped.length], [0, PICTURES, PICTURES]);
      // The cache still has what the first model reads, so going back to it needs no original.
      await succeed(BUNDLED_MODEL);
      assertSameHits(await find(await open()));
    } finally {
      renameSync(at('unplugged'), at('photos'));
    }
  });
});
