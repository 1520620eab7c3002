import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ingest } from '../../indexer/ingestion.js';
import { listQuarantine, retryQuarantine } from '../../indexer/quarantine.js';
import { type Engine, openEngine } from '../../src/engine.js';
import { temporaryFolder } from '../fixture.js';
import { collect } from './collect.js';
import { counting, filesOf, writePictures } from './pictures.js';

describe('quarantine', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  let engine: Engine;

  before(async () => {
    engine = await openEngine({ collection: 'photos', data: at('data'), create: true });
  });
  after(() => engine?.close());

  it('lists each entry with its source and reason', async () => {
    await writePictures(at('one'), { 'a.png': 1 });
    await writePictures(at('two'), { 'a.png': 2 });
    writeFileSync(at('one', 'b.jpg'), '<!DOCTYPE html>');
    writeFileSync(at('one', 'phone.heic'), Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'));
    const list = at('two', 'dataset.json');
    const images = ['a.png', 'nowhere.png'].map((filename) => ({ filename, sentences: [{ raw: 'a fox' }] }));
    writeFileSync(list, JSON.stringify({ images: [...images, {}] }));
    await ingest({ engine, source: at('one') });
    await ingest({ engine, source: list });
    const entries = await collect(listQuarantine(engine.store));
    assert.deepEqual(
      entries.map(({ source, file }) => [source, file]),
      [
        [at('one'), 'b.jpg'],
        [at('one'), 'phone.heic'],
        [list, 'dataset.json:1: images[2]'],
        [list, 'nowhere.png'],
      ],
    );
    assert.match(entries[0].reason, /HTML page/);
    assert.match(entries[1].reason, /HEIC is not read/);
    assert.match(entries[3].reason, /does not exist/);
    for (const { tried } of entries) assert.ok(Math.abs(Date.parse(tried) - Date.now()) < 60_000);
  });

  it('tries what is there again and nothing else, and says which source could not be opened', async () => {
    await writePictures(at('one'), { 'b.jpg': 3, 'new.png': 4 });
    renameSync(at('two'), at('two-away'));
    const { engine: counted, asked } = counting(engine);
    const totals = new Set<number | null>();
    const result = await retryQuarantine({ engine: counted, onProgress: ({ total }) => totals.add(total) });
    assert.deepEqual([result.added, result.quarantined, asked.prepared], [1, 1, 2]);
    assert.deepEqual([...totals], [null], 'how many pictures the source has says nothing of how many are tried');
    assert.deepEqual(
      result.skipped.map(({ file }) => file),
      ['phone.heic'],
    );
    assert.deepEqual(
      result.unopened.map(({ source }) => source),
      [at('two', 'dataset.json')],
    );
    assert.deepEqual([...(await filesOf(engine, at('one'))).keys()], ['a.png', 'b.jpg'], 'new.png was not asked for');
    const files = [...(await filesOf(engine, at('two', 'dataset.json'))).values()];
    assert.ok(files.every(({ missing }) => !missing));
  });

  it('opens a list as it was opened, and forgets entries that it no longer has', async () => {
    renameSync(at('two-away'), at('two'));
    await writePictures(at('two'), { 'nowhere.png': 5 });
    writeFileSync(
      at('two', 'dataset.json'),
      JSON.stringify({ images: ['a.png', 'nowhere.png'].map((filename) => ({ filename, sentences: [] })) }),
    );
    const { added, quarantined, unopened } = await retryQuarantine({ engine });
    assert.deepEqual({ added, quarantined, unopened }, { added: 1, quarantined: 1, unopened: [] });
    const left = await collect(listQuarantine(engine.store));
    assert.deepEqual(
      left.map(({ file }) => file),
      ['phone.heic'],
    );
  });

  it('tries everything again once it is cleared', async () => {
    assert.equal(await engine.store.clearQuarantine({}), 1);
    assert.deepEqual(await collect(listQuarantine(engine.store)), []);
    const { engine: counted, asked } = counting(engine);
    assert.equal((await ingest({ engine: counted, source: at('one') })).quarantined, 1);
    assert.equal(asked.prepared, 2, 'new.png and phone.heic');
  });

  it('ends where a name comes after every other', async () => {
    const file = at('one', `${'\u{10FFFF}'.repeat(17)}.jpg`);
    writeFileSync(file, 'no picture');
    await ingest({ engine, source: at('one') });
    const { skipped } = await retryQuarantine({ engine });
    assert.deepEqual(
      skipped.map((entry) => entry.file),
      ['phone.heic', path.basename(file)],
    );
  });
});
