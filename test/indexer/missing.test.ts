import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ingest, type IngestOptions } from '../../indexer/ingestion.js';
import { type Engine, openEngine } from '../../src/engine.js';
import { temporaryFolder } from '../fixture.js';
import { picture } from '../hostile.js';
import { filesOf, writePictures } from './pictures.js';
import { writeArrow } from './readers/arrowfile.js';
import { writeParquet } from './readers/parquetfile.js';
import { writeTar } from './readers/tarfile.js';

describe('ingest, files that are gone', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  let engine: Engine;
  let source: string;
  let sources = 0;
  const at = (...parts: string[]) => path.join(source, ...parts);
  const gone = (...parts: string[]) => rmSync(at(...parts), { recursive: true });

  before(async () => {
    engine = await openEngine({ collection: 'gone', data: path.join(temporary.path, 'data'), create: true });
  });
  after(() => engine?.close());

  /** Four pictures in a folder and two below it, indexed. */
  beforeEach(async () => {
    source = path.join(temporary.path, `source-${sources++}`);
    const names = ['a.png', 'b.png', 'c.png', 'd.png', 'disk/e.png', 'disk/f.png'];
    await writePictures(source, Object.fromEntries(names.map((name, i) => [name, 100 * sources + i])));
    await pass();
  });

  async function pass(options: Partial<IngestOptions> = {}) {
    const { added, updated, unchanged, missing, pruned } = await ingest({ engine, source, ...options });
    return { added, updated, unchanged, missing, pruned };
  }
  const missingNow = async () =>
    [...(await filesOf(engine, source)).values()].filter(({ missing }) => missing).map(({ file }) => file);

  it('changes nothing where the whole source is gone, or empty, or lists nothing', async () => {
    const files = await filesOf(engine, source);
    renameSync(source, `${source}-away`);
    await assert.rejects(pass({ prune: true, force: true }), { code: 'FILE_NOT_FOUND' });
    await writePictures(source, {});
    const reader = { format: 'csv' as const, path: source, root: source, total: 0, async *entries() {} };
    await assert.rejects(pass({ source: reader, prune: true, force: true }), {
      code: 'SOURCE_INVALID',
      message: /lists no pictures any more; 6 came from it/,
    });
    assert.deepEqual(await filesOf(engine, source), files);
  });

  it('does not prune while a damaged line of a listing may be of what is gone, unless forced', async () => {
    const file = path.join(source, 'pictures.jsonl');
    const lines = ['a', 'b', 'c', 'd'].map((name) => JSON.stringify({ image: `${name}.png`, caption: name }));
    writeFileSync(file, lines.join('\n'));
    await pass({ source: file });
    writeFileSync(file, [lines[0], lines[1].slice(0, -5), ...lines.slice(2)].join('\n'));
    await assert.rejects(pass({ source: file, prune: true }), {
      code: 'INVALID_ARGUMENT',
      message: /1 of the 4 files .* are missing, and pictures\.jsonl:2 may be one of them: none is removed/,
      hint: /--prune --force/,
    });
    const missing = async () => [...(await filesOf(engine, file)).values()].filter((one) => one.missing).length;
    assert.equal(await missing(), 1);
    writeFileSync(file, lines.join('\n'));
    await pass({ source: file, prune: true });
    assert.equal(await missing(), 0);
    writeFileSync(file, [lines[0], '{', ...lines.slice(2)].join('\n'));
    assert.equal((await pass({ source: file, prune: true, force: true })).missing, 0);
    assert.equal((await filesOf(engine, file)).size, 3);
  });

  it('leaves alone the image of a row that is of no use, however its path is written', async () => {
    const file = path.join(source, 'pictures.jsonl');
    const row = (name: string, caption: unknown) => JSON.stringify({ image: name, caption });
    const rows = [row(at('a.png'), 'a'), row('./b.png', 'b'), row('disk//e.png', 'e'), row('c.png', 'c')];
    writeFileSync(file, rows.join('\n'));
    await pass({ source: file });
    const bad = [row(at('a.png'), ['a', null]), row('./b.png', 'x'.repeat(20_000)), row('disk//e.png', 7), rows[3]];
    writeFileSync(file, bad.join('\n'));
    const { skipped, missing, pruned } = await ingest({ engine, source: file, prune: true });
    assert.deepEqual([missing, pruned], [0, 0]);
    assert.deepEqual(skipped.map(({ file }) => file).sort(), ['a.png', 'b.png', 'disk/e.png']);
    const files = [...(await filesOf(engine, file)).values()];
    assert.deepEqual([files.length, files.filter((one) => one.missing)], [4, []]);
  });

  it('does not prune where more than half is gone, unless forced', async () => {
    for (const name of ['a.png', 'b.png', 'c.png', 'd.png']) gone(name);
    await assert.rejects(pass({ prune: true }), {
      code: 'INVALID_ARGUMENT',
      message: /4 of the 6 files .* are missing, more than half: none is removed/,
      hint: /--prune --force/,
    });
    assert.deepEqual(await missingNow(), ['a.png', 'b.png', 'c.png', 'd.png']);
    assert.deepEqual(await pass({ prune: true, force: true }), {
      ...{ added: 0, updated: 0, unchanged: 2, missing: 0, pruned: 4 },
    });
    assert.equal((await filesOf(engine, source)).size, 2);
  });

  it('does not prune what was in a folder that is empty now: a disk may not be connected', async () => {
    gone('disk', 'e.png');
    gone('disk', 'f.png');
    await assert.rejects(pass({ prune: true }), { message: /2 of the 6 files .*disk is empty: none is removed/ });
    assert.deepEqual(await missingNow(), ['disk/e.png', 'disk/f.png']);
    gone('disk');
    assert.equal((await pass({ prune: true })).pruned, 2);
  });

  async function* withoutDisk() {
    yield { name: 'a.png', location: { file: 'a.png' }, captions: [], split: null, attributes: {} };
    yield await Promise.resolve({ file: 'disk/', reason: 'the disk is broken' });
  }

  it('leaves alone what is below a folder or an archive that could not be read', async () => {
    const reader = { format: 'folder' as const, path: source, root: source, total: null, entries: withoutDisk };
    const { missing } = await pass({ source: reader });
    assert.equal(missing, 3);
    assert.deepEqual(await missingNow(), ['b.png', 'c.png', 'd.png']);
  });

  const FILES: Record<string, (file: string, pictures: Buffer[]) => void | Promise<void>> = {
    tar: (file, pictures) =>
      writeTar(
        file,
        pictures.map((bytes, i) => [`${i}.png`, bytes]),
      ),
    parquet: (file, pictures) =>
      writeParquet(file, {
        columns: [
          { name: 'image', type: 'bytes' },
          { name: 'key', type: 'string' },
        ],
        groups: pictures.map((bytes, i) => [[bytes, String(i)]]),
      }),
    // Its rows have no names.
    'nameless.parquet': (file, pictures) =>
      writeParquet(file, { columns: [{ name: 'image', type: 'bytes' }], groups: pictures.map((bytes) => [[bytes]]) }),
    arrow: (file, pictures) =>
      writeArrow(file, {
        image: { type: 'binary', batches: pictures.map((bytes) => [bytes]) },
        image_id: { type: 'utf8', batches: pictures.map((_, i) => [String(i)]) },
      }),
  };
  // A Parquet file that is cut is none.
  const HARMS: [harm: string, kinds: string[], apply: (bytes: Buffer, picture: number) => Buffer][] = [
    ['overwritten', Object.keys(FILES), (bytes, picture) => bytes.fill(0xff, picture - 40, picture + 8)],
    ['cut', ['tar', 'arrow'], (bytes, picture) => bytes.subarray(0, picture + 8)],
  ];
  for (const [harm, kinds, apply] of HARMS) {
    for (const kind of kinds) {
      it(`leaves alone what could not be looked for in a file that was ${harm} in its middle (${kind})`, async () => {
        const folder = path.join(temporary.path, `${harm}-${kind}`);
        mkdirSync(folder);
        const file = path.join(folder, `pictures.${kind}`);
        const pictures = await Promise.all([0, 1, 2, 3].map((i) => picture(10_000 + 10 * sources + i)));
        await FILES[kind](file, pictures);
        assert.equal((await pass({ source: folder })).added, 4);
        const bytes = readFileSync(file);
        writeFileSync(file, apply(bytes, bytes.indexOf(pictures[2])));
        const { skipped, missing, pruned } = await ingest({ engine, source: folder, prune: true, force: true });
        assert.ok(skipped.length > 0);
        assert.deepEqual([missing, pruned], [0, 0]);
        const files = [...(await filesOf(engine, folder)).values()];
        assert.deepEqual([files.length, files.filter((one) => one.missing)], [4, []]);
      });
    }
  }

  it('keeps in quarantine what lies in a folder that could not be read', async () => {
    writeFileSync(at('disk', 'bad.png'), 'no picture');
    await pass();
    const kept = async () => {
      const entries = await engine.store.scanQuarantine({ after: null, limit: 1000 });
      const sourceId = entries.find(({ file }) => file === 'disk/bad.png')?.sourceId;
      return entries.flatMap((entry) => (entry.sourceId === sourceId ? [entry.file] : []));
    };
    assert.deepEqual(await kept(), ['disk/bad.png']);
    await pass({ source: { format: 'folder', path: source, root: source, total: null, entries: withoutDisk } });
    assert.deepEqual(await kept(), ['disk/', 'disk/bad.png']);
  });

  it('marks what is gone, once and for every pass, and unmarks what is back', async () => {
    gone('a.png');
    assert.deepEqual(await pass(), { added: 0, updated: 0, unchanged: 5, missing: 1, pruned: 0 });
    assert.deepEqual(await pass(), { added: 0, updated: 0, unchanged: 5, missing: 1, pruned: 0 });
    assert.deepEqual(await missingNow(), ['a.png']);
    assert.equal(
      (await engine.store.getImages([(await filesOf(engine, source)).get('a.png')!.imageId]))[0].missing,
      true,
    );
    await writePictures(source, { 'a.png': 100 * sources });
    assert.deepEqual(await pass(), { added: 0, updated: 1, unchanged: 5, missing: 0, pruned: 0 });
    assert.deepEqual(await missingNow(), []);
  });

  it('takes a picture that a list still has, and the disk no longer, for missing', async () => {
    const list = path.join(temporary.path, `list-${sources}.json`);
    const images = ['a.png', 'b.png', 'c.png'].map((filename) => ({ filename, sentences: [] }));
    writeFileSync(list, JSON.stringify({ images }));
    const options = { source: list, options: { images: source } };
    await pass(options);
    gone('b.png');
    assert.deepEqual(await pass(options), { added: 0, updated: 0, unchanged: 2, missing: 1, pruned: 0 });
    assert.equal((await filesOf(engine, list)).get('b.png')?.missing, true);
    assert.equal(
      (await pass({ ...options, prune: true })).pruned,
      0,
      'the folder has it still, as a source of its own',
    );
    assert.equal((await filesOf(engine, list)).has('b.png'), false);
  });

  it('prunes what is gone, and keeps an image that another file has', async () => {
    await writePictures(source, { 'copy.png': 100 * sources });
    await pass();
    gone('a.png');
    gone('b.png');
    const { images } = await engine.info();
    assert.deepEqual(await pass({ prune: true }), { added: 0, updated: 0, unchanged: 5, missing: 0, pruned: 1 });
    assert.equal((await engine.info()).images, images - 1);
    assert.deepEqual([...(await filesOf(engine, source)).keys()].sort(), [
      'c.png',
      'copy.png',
      'd.png',
      'disk/e.png',
      'disk/f.png',
    ]);
  });

  it('takes for missing, and prunes, what a file was that holds a removed picture now', async () => {
    const { imageId } = (await filesOf(engine, source)).get('a.png')!;
    await engine.store.remove([imageId]);
    await writePictures(source, { 'b.png': 100 * sources });
    assert.deepEqual(await pass(), { added: 0, updated: 0, unchanged: 4, missing: 1, pruned: 0 });
    assert.deepEqual(await missingNow(), ['b.png']);
    assert.deepEqual(await pass({ prune: true }), { added: 0, updated: 0, unchanged: 4, missing: 0, pruned: 1 });
    assert.equal((await filesOf(engine, source)).has('b.png'), false);
  });
});
