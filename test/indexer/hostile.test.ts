import assert from 'node:assert/strict';
import path from 'node:path';
import { ingest } from '../../indexer/ingestion.js';
import { listQuarantine } from '../../indexer/quarantine.js';
import { type Engine, openEngine } from '../../src/engine.js';
import { temporaryFolder } from '../fixture.js';
import { type Outcome, writeHostileFolder, writeHostileList } from '../hostile.js';
import { collect } from './collect.js';

describe('ingest, hostile files', function () {
  this.timeout(120_000);
  const temporary = temporaryFolder();
  let engine: Engine;

  before(async () => {
    engine = await openEngine({ collection: 'hostile', data: path.join(temporary.path, 'data'), create: true });
  });
  after(() => engine?.close());

  /** Indexes a source, and compares each entry with what has to come of it. */
  async function check(source: string, outcomes: Map<string, Outcome>) {
    const result = await ingest({ engine, source });
    const entries = (await collect(listQuarantine(engine.store))).filter((entry) => entry.source === source);
    const reasons = new Map(entries.map(({ file, reason }) => [file, reason]));
    const read = new Map<string, string[]>();
    const sources = await engine.store.sources();
    const { sourceId } = sources.find(({ path }) => path === source)!;
    for (const { file, captions } of await engine.store.scanFiles({ sourceId, after: 0, limit: 1000 })) {
      read.set(file, captions);
    }
    for (const [file, expected] of outcomes) {
      const name = JSON.stringify(file.slice(0, 80));
      const reason = reasons.get(file.toWellFormed());
      if (Array.isArray(expected)) assert.deepEqual([read.get(file), reason], [expected, undefined], name);
      else assert.match(reason ?? '', expected, `${name}: ${reason}`);
      reasons.delete(file.toWellFormed());
      read.delete(file);
    }
    assert.deepEqual([...reasons], [], 'nothing else is in quarantine');
    assert.deepEqual([...read], [], 'nothing else is read');
    for (const { reason } of entries) assert.doesNotMatch(reason, /\n|Error:|^\s*at /);
    return result;
  }

  it('quarantines each bad file of a folder with its reason, and reads the rest', async () => {
    const source = path.join(temporary.path, 'files');
    const outcomes = await writeHostileFolder(source);
    const good = [...outcomes.values()].filter(Array.isArray).length;
    const { added, quarantined, skipped, duplicates } = await check(source, outcomes);
    assert.deepEqual(
      { added, quarantined, duplicates },
      { added: good, quarantined: outcomes.size - good, duplicates: 0 },
    );
    assert.equal(skipped.length, quarantined);
  });

  it('tries none of them again while they are as they were', async () => {
    const { store } = engine;
    // What could not even be read is looked at once more, to know its size and time.
    await ingest({ engine, source: path.join(temporary.path, 'files') });
    const before = await store.scanQuarantine({ after: null, limit: 1000 });
    const source = path.join(temporary.path, 'files');
    const { added, updated, quarantined } = await ingest({ engine, source });
    assert.deepEqual({ added, updated, quarantined }, { added: 0, updated: 0, quarantined: before.length });
    assert.deepEqual(await store.scanQuarantine({ after: null, limit: 1000 }), before);
  });

  it('quarantines each bad entry of a list with its reason, and reads the rest', async () => {
    const { source, outcomes } = await writeHostileList(path.join(temporary.path, 'list'));
    const { added } = await check(source, outcomes);
    assert.equal(added, 1);
  });
});
