import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ingest, type IngestResult } from '../../indexer/ingestion.js';
import type { Progress } from '../../indexer/progress.js';
import { openSource } from '../../indexer/readers/source.js';
import { type Engine, openEngine } from '../../src/engine.js';
import type { ImageHit } from '../../src/search.js';
import { STORE_LIMITS } from '../../src/store/store.js';
import { temporaryFolder } from '../fixture.js';
import { picture } from '../hostile.js';
import { counting, filesOf, writePictures } from './pictures.js';
import { type TarEntry, writeTar } from './readers/tarfile.js';

const NOTHING = {
  added: 0,
  updated: 0,
  unchanged: 0,
  duplicates: 0,
  missing: 0,
  pruned: 0,
  removed: 0,
  quarantined: 0,
};

describe('ingest', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  let engine: Engine;
  let sources = 0;

  before(async () => {
    engine = await openEngine({ collection: 'photos', data: at('data'), create: true });
  });
  after(() => engine?.close());

  const newSource = () => at(`source-${sources++}`);
  /** Indexes, and says what came of it. */
  async function pass(source: string, options: Partial<Parameters<typeof ingest>[0]> = {}) {
    const result = await ingest({ engine, source, ...options });
    const keys = Object.keys(NOTHING) as (keyof typeof NOTHING)[];
    return Object.fromEntries(keys.map((key) => [key, result[key]]));
  }
  const counts = (some: Partial<IngestResult>) => ({ ...NOTHING, ...some });

  it('fails where there is no source, before it makes one', async () => {
    const before = await engine.store.sources();
    await assert.rejects(pass(at('nowhere')), { code: 'FILE_NOT_FOUND' });
    await assert.rejects(pass(at()), { code: 'SOURCE_INVALID' });
    assert.deepEqual(await engine.store.sources(), before);
  });

  it('quarantines what is more than the store takes of one picture', async () => {
    const source = newSource();
    const captions = Array.from({ length: 999 }, (_, i) => `${i} ${'fox '.repeat(2000)}`);
    await writePictures(source, { 'a.png': 100 });
    const list = at('long.json');
    const sentences = captions.map((raw) => ({ raw }));
    writeFileSync(list, JSON.stringify({ images: [{ filename: 'a.png', sentences }] }));
    const { skipped, quarantined } = await ingest({ engine, source: list, options: { images: source } });
    assert.equal(quarantined, 1);
    assert.match(skipped[0].reason, /its 999 captions and attributes have \d+ bytes, more than is stored/);
    assert.ok(captions.join('').length < STORE_LIMITS.batchBytes, 'each caption is within its own bound');
  });

  it('finds what it indexed, and keeps what the source is to be opened with', async () => {
    const source = newSource();
    await writePictures(source, { 'a.png': { number: 1, captions: ['first', 'second'] }, 'b/c.png': 2 });
    assert.deepEqual(await pass(source), counts({ added: 2 }));
    const { hits } = await engine.search({ image: path.join(source, 'b', 'c.png'), target: 'images' }).final();
    assert.equal((hits[0] as ImageHit).file, 'b/c.png');
    assert.deepEqual((await filesOf(engine, source)).get('a.png')?.captions, ['first', 'second']);
    const list = at('list.json');
    writeFileSync(list, JSON.stringify({ images: [{ filename: 'a.png', sentences: [{ raw: 'x' }] }] }));
    await pass(list, { options: { images: path.relative(process.cwd(), source) } });
    const kept = (await engine.store.sources()).find(({ path }) => path === list);
    assert.deepEqual([kept?.format, kept?.root, kept?.options], ['karpathy', source, { images: source }]);
  });

  it('leaves everything as it is when nothing changed, and reads nothing', async () => {
    const source = newSource();
    await writePictures(source, { 'a.png': { number: 3, captions: ['a fox'] }, 'b.png': 4 });
    await pass(source);
    const before = await filesOf(engine, source);
    const { engine: counted, asked } = counting(engine);
    assert.deepEqual(await pass(source, { engine: counted }), counts({ unchanged: 2 }));
    assert.deepEqual(asked, { prepared: 0, images: 0, texts: 0 });
    assert.deepEqual(await filesOf(engine, source), before);
  });

  it('updates a picture whose content or labels changed, and no other; where labels changed it embeds texts alone', async () => {
    const source = newSource();
    const words = (...captions: string[]) => captions.join('\n');
    await writePictures(source, { 'a.png': 5, 'b.png': { number: 6, captions: ['old'] }, 'c.png': 7, 'd.png': 8 });
    await pass(source);
    await writePictures(source, { 'a.png': 9 });
    writeFileSync(path.join(source, 'b.txt'), words('new', 'words'));
    utimesSync(path.join(source, 'c.png'), new Date(0), new Date(0));
    const { engine: counted, asked } = counting(engine);
    assert.deepEqual(await pass(source, { engine: counted }), counts({ updated: 2, unchanged: 2 }));
    assert.deepEqual(asked, { prepared: 1, images: 1, texts: 2 });
    const files = await filesOf(engine, source);
    assert.deepEqual(files.get('b.png')?.captions, ['new', 'words']);
    assert.equal(files.get('c.png')?.modified, 0, 'the next pass need not read it again');
  });

  it('embeds a content once: within a batch, between batches, and where the collection has it', async () => {
    const source = newSource();
    const same = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`same-${i}.png`, 10]));
    const mixed = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`x-${i % 2}-${i}.png`, 11 + (i % 2)]));
    await writePictures(source, { ...same, ...mixed });
    const { engine: counted, asked } = counting(engine);
    const { images } = await engine.info();
    assert.deepEqual(await pass(source, { engine: counted }), counts({ added: 3, duplicates: 107 }));
    assert.deepEqual([asked.prepared, asked.images], [3, 3]);
    const other = newSource();
    await writePictures(other, { 'again.png': { number: 10, captions: ['said elsewhere'] } });
    assert.deepEqual(await pass(other, { engine: counted }), counts({ duplicates: 1 }));
    assert.equal(asked.images, 3);
    assert.equal((await engine.info()).images, images + 3);
    const [image] = await engine.store.getImages([(await filesOf(engine, other)).get('again.png')!.imageId]);
    assert.deepEqual(image.captions, ['said elsewhere']);
  });

  it('says of each copy of a broken picture that it is broken', async () => {
    const source = newSource();
    await writePictures(source, { 'good.png': 13 });
    const broken = readFileSync(path.join(source, 'good.png')).subarray(0, 2000);
    for (let i = 0; i < 10; i++) writeFileSync(path.join(source, `broken-${i}.png`), broken);
    const { added, quarantined, skipped } = await ingest({ engine, source });
    assert.deepEqual({ added, quarantined }, { added: 1, quarantined: 10 });
    assert.equal(skipped.length, 10);
    for (const { reason } of skipped) assert.match(reason, /is damaged/);
  });

  it('tries again what it read in the wrong place of an archive that was replaced meanwhile, and nothing else', async () => {
    const source = newSource();
    mkdirSync(source);
    const shard = path.join(source, '0.tar');
    const members: TarEntry[] = [
      ['a.png', await picture(25)],
      ['bad.png', 'no picture'],
    ];
    await writeTar(shard, members);
    const reader = await openSource({ source });
    async function* entries() {
      for await (const entry of reader.entries()) {
        if (!existsSync(`${shard}.old`)) {
          renameSync(shard, `${shard}.old`);
          await writeTar(shard, [['moves the others.md', 'x'.repeat(2000)], ...members]);
          utimesSync(shard, new Date(1e12), new Date(1e12));
        }
        yield entry;
      }
    }
    assert.equal((await ingest({ engine, source: { ...reader, entries } })).quarantined, 2);
    assert.deepEqual(await pass(source), counts({ added: 1, quarantined: 1 }));
    const { engine: counted, asked } = counting(engine);
    assert.deepEqual(await pass(source, { engine: counted }), counts({ unchanged: 1, quarantined: 1 }));
    assert.equal(asked.prepared, 0, 'what is bad is not read again');
  });

  it('passes over what it wrote itself, where the source holds the collection', async () => {
    const source = newSource();
    await writePictures(source, { 'a.png': 27, 'collections/b.png': 28 });
    const own = await openEngine({ collection: 'own', data: path.join(source, 'data'), create: true });
    const folder = path.join(source, 'data', 'collections', 'own');
    await writePictures(folder, { 'thumbnails/1.webp': 29, 'imported/images/c.png': 30 });
    try {
      assert.deepEqual(await pass(source, { engine: own }), counts({ added: 2 }));
      assert.deepEqual([...(await filesOf(own, source)).keys()], ['a.png', 'collections/b.png']);
    } finally {
      await own.close();
    }
  });

  it('follows files that take the names of others', async () => {
    const source = newSource();
    const file = (name: string) => path.join(source, `${name}.png`);
    await writePictures(source, { 'a.png': 14, 'b.png': 15, 'c.png': 16 });
    await pass(source);
    // a → b → c → a
    renameSync(file('c'), file('d'));
    renameSync(file('b'), file('c'));
    renameSync(file('a'), file('b'));
    renameSync(file('d'), file('a'));
    const times = [20, 30, 40].map((seconds) => new Date(seconds * 1000));
    ['a', 'b', 'c'].forEach((name, i) => utimesSync(file(name), times[i], times[i]));
    assert.deepEqual(await pass(source), counts({ updated: 3 }));
    assert.deepEqual(await pass(source), counts({ unchanged: 3 }));
    for (const name of ['a', 'b', 'c']) {
      const { hits } = await engine.search({ image: file(name), target: 'images', k: 1 }).final();
      assert.equal((hits[0] as ImageHit).file, `${name}.png`);
    }
  });

  it('keeps removed pictures out until they are restored, whatever their file is called', async () => {
    const source = newSource();
    await writePictures(source, { 'a.png': 17, 'b.png': 18 });
    await pass(source);
    const { imageId, contentHash } = (await filesOf(engine, source)).get('a.png')!;
    await engine.store.remove([imageId]);
    assert.deepEqual(await pass(source), counts({ unchanged: 1, removed: 1 }));
    await writePictures(source, { 'copy.png': 17, 'b.png': 17 });
    assert.deepEqual(await pass(source), counts({ removed: 3, missing: 1 }));
    assert.equal((await filesOf(engine, source)).get('b.png')?.missing, true, 'what it was is not there any more');
    await engine.store.restore([contentHash]);
    assert.deepEqual(await pass(source), counts({ added: 1, updated: 1, duplicates: 1 }));
  });

  it('keeps what was written when it is stopped, and continues', async () => {
    const source = newSource();
    const total = 200;
    await writePictures(source, Object.fromEntries(Array.from({ length: total }, (_, i) => [`${i}.png`, 1000 + i])));
    const controller = new AbortController();
    const stopped = pass(source, {
      signal: controller.signal,
      onProgress: ({ done }) => done > 0 && controller.abort(),
    });
    await assert.rejects(stopped, { code: 'CANCELLED', hint: 'Run the same command again to continue.' });
    const written = (await filesOf(engine, source)).size;
    assert.ok(written > 0 && written < total, `${written} of ${total} written`);

    const states: Progress[] = [];
    const { engine: counted, asked } = counting(engine);
    const result = await pass(source, { engine: counted, onProgress: (state) => states.push(state) });
    assert.deepEqual(result, counts({ unchanged: written, added: total - written }));
    assert.equal(asked.prepared, total - written);
    assert.deepEqual(states[0], { done: 0, total });
    assert.deepEqual(states.at(-1), { done: total, total });
    assert.ok(states.every(({ done }, index) => index === 0 || done >= states[index - 1].done));
  });

  it('takes up again a picture that a file in quarantine has become, and forgets one that is gone', async () => {
    const source = newSource();
    await writePictures(source, { 'a.png': 19 });
    for (const name of ['b', 'c']) writeFileSync(path.join(source, `${name}.png`), 'not yet');
    assert.deepEqual(await pass(source), counts({ added: 1, quarantined: 2 }));
    await writePictures(source, { 'b.png': 20 });
    rmSync(path.join(source, 'c.png'));
    assert.deepEqual(await pass(source), counts({ added: 1, unchanged: 1 }));
    const { sourceId } = (await engine.store.sources()).find(({ path }) => path === source)!;
    assert.deepEqual(await engine.store.getQuarantined({ sourceId, files: ['b.png', 'c.png'] }), [null, null]);
    writeFileSync(path.join(source, 'd.png'), 'not yet');
    await pass(source);
    await engine.store.remove([(await filesOf(engine, source)).get('b.png')!.imageId]);
    await writePictures(source, { 'd.png': 20 });
    assert.deepEqual(await pass(source), counts({ unchanged: 1, removed: 2 }));
    assert.deepEqual(await engine.store.getQuarantined({ sourceId, files: ['d.png'] }), [null]);
  });

  it('keeps the picture of a file that is being written anew until it is whole', async () => {
    const source = newSource();
    await writePictures(source, { 'a.png': 21 });
    await pass(source);
    const whole = await picture(22);
    const file = path.join(source, 'a.png');
    writeFileSync(file, whole.subarray(0, 1000));
    assert.deepEqual(await pass(source), counts({ quarantined: 1 }));
    assert.equal((await filesOf(engine, source)).get('a.png')?.missing, false);
    writeFileSync(file, whole);
    assert.deepEqual(await pass(source), counts({ updated: 1 }));
    const { hits } = await engine.search({ image: file, target: 'images', k: 1 }).final();
    assert.ok(Math.abs((hits[0].similarity ?? 0) - 1) < 1e-4);
  });

  it('reads what a list says twice once, and says so', async () => {
    const source = newSource();
    await writePictures(source, { 'a.png': 23 });
    const reader = {
      format: 'csv' as const,
      path: at('twice.csv'),
      root: source,
      total: null,
      async *entries() {
        const entry = { name: 'a.png', location: { file: 'a.png' }, captions: [], split: null, attributes: {} };
        yield await Promise.resolve(entry);
        yield entry;
      },
    };
    const result = await ingest({ engine, source: reader });
    assert.deepEqual([result.added, result.quarantined], [1, 1]);
    assert.deepEqual(result.skipped, [{ file: 'a.png (listed again)', reason: 'the source lists it a second time' }]);
  });
});
