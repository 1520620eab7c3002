import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ingest } from '../../indexer/ingestion.js';
import type { Progress } from '../../indexer/progress.js';
import { type Engine, openEngine } from '../../src/engine.js';
import type { ImageHit } from '../../src/search.js';
import { fixture, temporaryFolder } from '../fixture.js';
import { scanSource } from '../src/store/records.js';

const PICTURES = readdirSync(fixture('preprocess')).filter((name) => /\.(png|jpg)$/.test(name));

describe('ingest', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  let engine: Engine;

  before(async () => {
    mkdirSync(at('photos'));
    for (const name of PICTURES) {
      copyFileSync(fixture('preprocess', name), at('photos', name));
      writeFileSync(at('photos', `${path.parse(name).name}.txt`), `a picture called ${name}\nanother line\n`);
    }
    engine = await openEngine({ collection: 'photos', data: at('data'), create: true });
  });
  after(() => engine?.close());

  it('skips what cannot be used, each with its reason, and indexes the rest', async () => {
    const png = readFileSync(fixture('preprocess', 'coco_640x480.png'));
    writeFileSync(at('outside.png'), png);
    writeFileSync(at('photos', 'truncated.png'), png.subarray(0, 2000));
    writeFileSync(at('photos', 'text.jpg'), 'not a picture');
    writeFileSync(at('photos', 'empty.gif'), '');
    symlinkSync(at('outside.png'), at('photos', 'leaves.png'));
    symlinkSync(at('nowhere.png'), at('photos', 'dangling.png'));
    mkdirSync(at('photos', 'folder.png'));

    const { added, updated, unchanged, skipped } = await ingest({ engine, source: at('photos') });

    assert.deepEqual({ added, updated, unchanged }, { added: PICTURES.length, updated: 0, unchanged: 0 });
    const reasons = new Map(skipped.map(({ file, reason }) => [file, reason]));
    assert.deepEqual([...reasons.keys()].sort(), [
      'dangling.png',
      'empty.gif',
      'leaves.png',
      'text.jpg',
      'truncated.png',
    ]);
    assert.match(reasons.get('leaves.png') ?? '', /link that leaves/);
    assert.match(reasons.get('dangling.png') ?? '', /does not exist/);
    for (const reason of reasons.values()) assert.doesNotMatch(reason, /\n/);
    const { images, captions } = await engine.info();
    assert.deepEqual({ images, captions }, { images: PICTURES.length, captions: 2 * PICTURES.length });
  });

  it('finds what it indexed', async () => {
    const similar = await engine.search({ image: at('photos', 'coco_640x480.png'), target: 'images' }).final();
    const [itself] = similar.hits as ImageHit[];
    assert.equal(itself.file, 'coco_640x480.png');
    assert.deepEqual(itself.captions, ['a picture called coco_640x480.png', 'another line']);
    assert.ok(Math.abs((itself.similarity ?? 0) - 1) < 1e-4);
    const { hits } = await engine.search({ text: 'a fox', k: 3 }).final();
    assert.equal(hits.length, 3);
    assert.ok(hits.every(({ matchScore }) => matchScore !== null));
  });

  it('leaves everything as it is when nothing changed', async () => {
    const before = await scanSource(engine.store, { path: at('photos') });
    const { added, updated, unchanged } = await ingest({ engine, source: at('photos') });
    assert.deepEqual({ added, updated, unchanged }, { added: 0, updated: 0, unchanged: PICTURES.length });
    assert.deepEqual(await scanSource(engine.store, { path: at('photos') }), before);
  });

  it('updates a picture whose content or captions changed, and no other', async () => {
    copyFileSync(fixture('preprocess', 'square_384.png'), at('photos', 'small_90x60.png'));
    writeFileSync(at('photos', 'gray_400x300.txt'), 'new words');
    utimesSync(at('photos', 'coco_640x480.png'), new Date(0), new Date(0));
    const { added, updated, unchanged } = await ingest({ engine, source: at('photos') });
    assert.deepEqual({ added, updated, unchanged }, { added: 0, updated: 2, unchanged: PICTURES.length - 2 });
    const stored = await scanSource(engine.store, { path: at('photos') });
    assert.deepEqual(stored.find(({ file }) => file === 'gray_400x300.png')?.captions, ['new words']);
    assert.equal(stored.find(({ file }) => file === 'small_90x60.png')?.width, 384);
  });

  it('keeps what was written when it is stopped, and continues', async () => {
    mkdirSync(at('many'));
    const total = 80;
    const picture = readFileSync(fixture('preprocess', 'small_90x60.png'));
    for (let index = 0; index < total; index += 1) {
      writeFileSync(at('many', `${index}.png`), Buffer.concat([picture, Buffer.of(index)])); // Each a content of its own.
    }
    const others = (await engine.info()).images;
    const controller = new AbortController();
    const stopped = ingest({
      engine,
      source: at('many'),
      signal: controller.signal,
      onProgress: ({ done }) => done > 0 && controller.abort(),
    });
    await assert.rejects(stopped, { code: 'CANCELLED', hint: 'Run the same command again to continue.' });
    const written = (await engine.info()).images - others;
    assert.ok(written > 0 && written < total, `${written} of ${total} written`);

    const states: Progress[] = [];
    const result = await ingest({ engine, source: at('many'), onProgress: (state) => states.push(state) });
    assert.equal(result.unchanged, written);
    assert.equal(result.added, total - written);
    assert.deepEqual(states[0], { done: 0, total });
    assert.deepEqual(states.at(-1), { done: total, total });
    assert.ok(states.every(({ done }, index) => index === 0 || done >= states[index - 1].done));
  });
});
