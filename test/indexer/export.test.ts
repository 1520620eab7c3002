import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { exportCollection, type ExportOptions } from '../../indexer/export.js';
import { importCollection } from '../../indexer/import.js';
import { ingest } from '../../indexer/ingestion.js';
import { openSource } from '../../indexer/readers/source.js';
import { openEngine } from '../../src/engine.js';
import { openStore } from '../../src/store/sqlite/store.js';
import type { StoredImage } from '../../src/store/store.js';
import { temporaryFolder } from '../fixture.js';
import { samplePicture } from '../server/collection.js';

const PICTURES = 12;

describe('exportCollection', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  const hash = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
  let count = 0;
  let files: string[];

  /** Two sources: a table with splits and attributes, and a folder with a copy of the first picture under a hostile name. */
  before(async () => {
    mkdirSync(at('table', 'images'), { recursive: true });
    mkdirSync(at('folder'));
    const rows: object[] = [];
    files = [];
    for (let i = 0; i < PICTURES; i++) {
      const { file, captions } = await samplePicture(i);
      const image = `images/${path.basename(file)}`;
      files.push(at('table', image));
      copyFileSync(file, at('table', image));
      rows.push({
        image,
        caption: captions,
        split: ['train', 'val', null][i % 3],
        year: 2000 + i,
        filename: `was ${i}`,
        ok: i % 2 === 0,
      });
    }
    writeFileSync(at('table', 'rows.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
    copyFileSync(files[0], at('folder', 'a\n"b".jpg'));
    writeFileSync(at('folder', 'a\n"b".txt'), 'another caption');
    await index('whole', [at('table', 'rows.jsonl'), at('folder')]);
  });

  async function index(collection: string, sources: string[]): Promise<void> {
    const engine = await openEngine({ collection, data: at('data'), create: true });
    for (const source of sources) {
      const { skipped } = await ingest({ engine, source: await openSource({ source }) });
      assert.deepEqual(skipped, []);
    }
    await engine.close();
  }

  async function run({ from = 'whole', ...options }: Partial<ExportOptions> & { from?: string; out: string }) {
    const store = await openStore({ data: at('data'), name: from, warm: false });
    try {
      return await exportCollection({ store, ...options });
    } finally {
      await store.close();
    }
  }

  async function imagesOf(
    name: string,
  ): Promise<Record<string, Pick<StoredImage, 'captions' | 'split' | 'attributes'>>> {
    const store = await openStore({ data: at('data'), name, warm: false });
    const images = await store.scan({ after: 0, limit: 1000 });
    await store.close();
    return Object.fromEntries(
      images.map(({ contentHash, captions, split, attributes }) => [contentHash, { captions, split, attributes }]),
    );
  }

  /** Without one original while `work` runs. */
  async function without(file: string, work: () => Promise<void>): Promise<void> {
    const bytes = readFileSync(file);
    try {
      await work();
    } finally {
      writeFileSync(file, bytes);
    }
  }

  describe('refuses', () => {
    it('a target that is taken, and changes nothing there', async () => {
      mkdirSync(at('full'));
      writeFileSync(at('full', 'mine'), '');
      writeFileSync(at('mine.tar'), 'mine');
      for (const out of [at('full'), at('mine.tar')]) await assert.rejects(run({ out }), { code: 'INVALID_ARGUMENT' });
      assert.deepEqual([readdirSync(at('full')), readFileSync(at('mine.tar'), 'utf8')], [['mine'], 'mine']);
    });

    it('a filter that is none', async () => {
      const filter = { field: 'split', like: 'x' } as never;
      await assert.rejects(run({ out: at('no'), filter }), { code: 'INVALID_ARGUMENT' });
    });

    for (const [what, harm] of [
      ['are gone', (file: string) => rmSync(file)],
      ['have changed', (file: string) => appendFileSync(file, 'x')],
    ] as const) {
      it(`originals that ${what}, unless they may be left out, and names them`, async () => {
        await without(files[4], async () => {
          harm(files[4]);
          for (const out of [at('refused'), at('refused.tar')]) {
            const refused = run({ out });
            await assert.rejects(refused, {
              code: 'FILE_NOT_FOUND',
              message: new RegExp(`1 of ${PICTURES} pictures .*${path.basename(files[4])}`),
              hint: /--allow-missing/,
            });
          }
          assert.ok(readdirSync(temporary.path).every((name) => !name.startsWith('refused')));
          const { images, missing } = await run({ out: at('without', String(count++)), allowMissing: true });
          assert.equal(images, PICTURES - 1);
          assert.deepEqual(
            missing.map(({ file }) => file),
            [files[4]],
          );
        });
      });
    }

    it('to go on once it is told to stop, and leaves nothing', async () => {
      for (const out of [at('stopped'), at('stopped.tar')]) {
        const controller = new AbortController();
        const onProgress = ({ done }: { done: number }) => done > 3 && controller.abort();
        const stopped = run({ out, signal: controller.signal, onProgress: (state) => void onProgress(state) });
        await assert.rejects(stopped, { code: 'CANCELLED' });
      }
      assert.ok(readdirSync(temporary.path).every((name) => !name.startsWith('stopped')));
    });
  });

  it('writes what indexes as the same images, captions, splits and attributes', async () => {
    const out = at('export');
    mkdirSync(out);
    const { images, captions, bytes, missing } = await run({ out });
    const before = await imagesOf('whole');
    assert.deepEqual({ images, missing }, { images: PICTURES, missing: [] });
    assert.equal(
      captions,
      Object.values(before).reduce((sum, image) => sum + image.captions.length, 0),
    );
    assert.equal(
      bytes,
      files.reduce((sum, file) => sum + readFileSync(file).length, 0),
    );
    assert.deepEqual(
      new Set(readdirSync(at('export', 'images')).map((name) => hash(at('export', 'images', name)))),
      new Set(files.map(hash)),
    );
    assert.deepEqual(readdirSync(out).sort(), ['dataset.json', 'images']);

    await index('again', [out]);
    assert.deepEqual(await imagesOf('again'), before);
    const first = before[hash(files[0])];
    assert.ok(first.captions.includes('another caption'), 'of all its files');
    assert.equal(first.attributes.filename, 'was 0');
  });

  it('loses no caption of an image that has more than are read of one file', async () => {
    const captions = Array.from({ length: 1001 }, (_, i) => `caption number ${i}`);
    mkdirSync(at('many'));
    for (const [file, own] of Object.entries({ a: captions.slice(0, 600), b: captions.slice(600) })) {
      copyFileSync(files[0], at('many', `${file}.jpg`));
      writeFileSync(at('many', `${file}.json`), JSON.stringify({ captions: own, split: 'test', year: 2001 }));
    }
    await index('many', [at('many')]);
    const before = await imagesOf('many');
    assert.deepEqual(before, { [hash(files[0])]: { captions, split: 'test', attributes: { year: 2001 } } });
    for (const out of [at('many-out'), at('many-out.tar')]) {
      const written = await run({ from: 'many', out });
      assert.deepEqual([written.images, written.captions], [1, captions.length]);
    }
    assert.equal(readdirSync(at('many-out', 'images')).length, 2);
    const read = await importCollection({ from: at('many-out.tar'), data: at('data'), name: 'many-again' });
    assert.deepEqual([read.images, read.captions, read.skipped], [1, captions.length, []]);
    assert.deepEqual(await imagesOf('many-again'), before);
  });

  it('writes the images that a filter lets through', async () => {
    const { images } = await run({ out: at('filtered'), filter: { field: 'split', eq: 'val' } });
    assert.equal(images, 4);
    const none = await run({ out: at('none.tar'), filter: { field: 'year', eq: 1999 } });
    assert.equal(none.images, 0);
    assert.ok(existsSync(at('none.tar')));
  });
});
