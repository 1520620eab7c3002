import assert from 'node:assert/strict';
import { lookUp } from '../../indexer/lookup.js';
import { isSkipped, type SkippedImage, type SourceImage } from '../../indexer/readers/reader.js';
import { openStore } from '../../src/store/sqlite/store.js';
import type { Store } from '../../src/store/store.js';
import { temporaryFolder } from '../fixture.js';
import { imageRecord, modelOf } from '../src/store/records.js';
import { collect } from './collect.js';

describe('lookUp', () => {
  const temporary = temporaryFolder();
  let store: Store;
  let sourceId: number;

  before(async () => {
    store = await openStore({ data: temporary.path, name: 'catalog', create: modelOf(4) });
    const source = await store.addSource({ path: '/data', root: '/data', format: 'folder', options: {} });
    ({ sourceId } = source);
    await store.upsert({ sourceId, images: [{ ...imageRecord(1, 4), file: 'known.png' }] });
    const files = [{ file: 'bad.png', reason: 'it is bad', bytes: 1, modified: 2 }];
    await store.quarantine({ sourceId, files });
  });
  after(() => store.close());

  async function* list(entries: (SourceImage | SkippedImage)[]) {
    for (const entry of entries) yield await Promise.resolve(entry);
  }
  const image = (name: string, more: Partial<SourceImage> = {}): SourceImage => ({
    ...{ name, location: { file: name }, captions: [], split: null, attributes: {} },
    ...more,
  });

  it('refuses a name that no file can have, and names it within reason', async () => {
    const names = ['a', 'b'].map((letter) => letter.repeat(10) + 'n'.repeat(5000));
    const found = await collect(lookUp(list(names.map((name) => image(name))), { store, sourceId }));
    const refused = found.map(({ entry }) => entry).filter(isSkipped);
    assert.equal(refused.length, 2);
    assert.match(refused[0].reason, /its name has 5010 bytes; at most 4096/);
    assert.ok(refused.every(({ file }) => file.length < 150));
    assert.notEqual(refused[0].file, refused[1].file);
  });

  it('gives texts as the catalog will give them back', async () => {
    const odd = image('half \ud800', { split: '\udc00', attributes: { 'k\ud800': 'v\ud800', year: 2014 } });
    const [{ entry }] = await collect(lookUp(list([odd]), { store, sourceId }));
    const { name, location, split, attributes } = entry as SourceImage;
    assert.deepEqual(
      { name, location, split, attributes },
      {
        name: 'half \u{FFFD}',
        location: { file: 'half \u{FFFD}' },
        split: '\u{FFFD}',
        attributes: { 'k\u{FFFD}': 'v\u{FFFD}', year: 2014 },
      },
    );
  });

  it('finds what is known and what is in quarantine, in the order of the source, however many there are', async () => {
    const many = Array.from({ length: 1234 }, (_, i) => image(`${i}.png`));
    const entries = [image('known.png'), ...many, { file: 'bad.png', reason: 'still bad' }];
    const found = await collect(lookUp(list(entries), { store, sourceId }));
    assert.deepEqual(
      found.map(({ entry }) => (isSkipped(entry) ? entry.file : entry.name)),
      ['known.png', ...many.map(({ name }) => name), 'bad.png'],
    );
    assert.equal(found[0].known?.file, 'known.png');
    assert.equal(found.at(-1)?.quarantined?.reason, 'it is bad');
    assert.ok(found.slice(1, -1).every(({ known, quarantined }) => known === null && quarantined === null));
  });
});
