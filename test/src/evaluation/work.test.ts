import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Scores } from '../../../src/evaluation/scores.js';
import { decodeShard, encodeShard } from '../../../src/evaluation/shard.js';
import { WorkFolder, type WorkKey } from '../../../src/evaluation/work.js';
import { temporaryFolder } from '../../fixture.js';

const KEY: WorkKey = {
  model: 'a',
  settings: 's',
  inputSize: '112/16',
  precision: 'fp32',
  device: 'cpu',
  dataset: 'b',
  split: 'test',
};

describe('a shard', () => {
  const shard = {
    header: { key: 'k', kind: 'scores' as const, count: 2, seconds: 1.5 },
    body: Uint8Array.of(1, 2, 3, 4, 5),
  };

  it('comes back as it was', () => {
    assert.deepEqual(decodeShard(encodeShard(shard)), shard);
  });

  it('is none once any byte of it has changed, or one is missing', () => {
    const bytes = encodeShard(shard);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] ^= 1;
      assert.equal(decodeShard(changed), null, `byte ${at}`);
      assert.equal(decodeShard(bytes.subarray(0, at)), null, `length ${at}`);
    }
  });
});

describe('WorkFolder', () => {
  const temporary = temporaryFolder();
  let work: string;
  let count = 0;
  const notes: string[] = [];
  beforeEach(() => {
    work = path.join(temporary.path, String(count++));
    notes.length = 0;
  });
  const open = (key: Partial<WorkKey> = {}) =>
    WorkFolder.open({ work, name: 'flickr 30k/*', key: { ...KEY, ...key }, onNote: (line) => notes.push(line) });
  const add = (folder: WorkFolder, first: number) =>
    folder.add({ kind: 'scores', count: 1, seconds: 1, body: Uint8Array.of(first) });
  const bodies = (folder: WorkFolder) => [...folder.read('scores')].map(({ body }) => body[0]);

  it('is refused to a second evaluation at a time, and free once the first is closed', () => {
    const first = open();
    assert.throws(() => open(), {
      code: 'EVALUATION_BUSY',
      message: `Another evaluation of the same model and split uses ${first.folder}.`,
      hint: /--work/,
    });
    open({ precision: 'int8' }).close();
    first.close();
    open().close();
  });

  it('says what cannot be written', () => {
    mkdirSync(path.dirname(work), { recursive: true });
    writeFileSync(work, 'a file');
    assert.throws(() => open(), { code: 'FILE_NOT_FOUND' });
  });

  it('keeps shards in their order, whoever opens it', () => {
    let folder = open();
    assert.match(path.basename(folder.folder), /^flickr_30k_-[0-9a-f]{16}$/);
    add(folder, 1);
    add(folder, 2);
    folder.close();
    folder = open();
    add(folder, 3);
    assert.deepEqual(bodies(folder), [1, 2, 3]);
    assert.deepEqual(notes, []);
    folder.close();
    assert.deepEqual(JSON.parse(readFileSync(path.join(folder.folder, 'manifest.json'), 'utf8')), {
      version: 1,
      ...KEY,
    });
  });

  it('has other scores for whatever differs in its key', () => {
    const folder = open();
    add(folder, 1);
    folder.close();
    for (const key of Object.keys(KEY) as (keyof WorkKey)[]) {
      const other = open({ [key]: 'other' });
      assert.deepEqual(bodies(other), [], key);
      other.close();
    }
  });

  it('passes over what is damaged or foreign, says so, and goes on behind it', () => {
    let folder = open();
    for (const first of [1, 2, 3]) add(folder, first);
    folder.close();
    const other = open({ model: 'other' });
    add(other, 9);
    other.close();
    const [one, two] = readdirSync(folder.folder).filter((name) => name.startsWith('scores'));
    writeFileSync(path.join(folder.folder, one), readFileSync(path.join(folder.folder, one)).subarray(0, 50));
    copyFileSync(path.join(other.folder, one), path.join(folder.folder, two));
    writeFileSync(path.join(folder.folder, 'scores-000009.shard.part'), 'half');
    folder = open();
    assert.deepEqual(bodies(folder), [3]);
    assert.match(notes[0], /000001\.shard is damaged; what it held is computed again/);
    assert.match(notes[1], /000002\.shard belongs to another evaluation/);
    assert.equal(notes.length, 2);
    add(folder, 4);
    assert.deepEqual(bodies(folder), [3, 4]);
    folder.close();
    const names = readdirSync(folder.folder).filter((name) => name.startsWith('scores'));
    assert.deepEqual(names, ['scores-000002.shard', 'scores-000003.shard', 'scores-000004.shard']);
  });
});

describe('Scores', () => {
  const pairs = (list: [text: number, picture: number, score: number][]) => ({
    texts: Uint32Array.from(list, ([text]) => text),
    pictures: Uint32Array.from(list, ([, picture]) => picture),
    scores: Float32Array.from(list, ([, , score]) => score),
  });

  it('finds a pair in whatever order it came, and has no score for others', () => {
    const scores = new Scores();
    scores.add(
      pairs([
        [7, 1, 0.5],
        [2, 1, -1],
        [3, 0, 4],
      ]),
    );
    scores.add(
      pairs([
        [5, 1, 8],
        [9, 1, 6],
        [0, 1, 2],
      ]),
    );
    assert.deepEqual([...scores.texts(1)], [0, 2, 5, 7, 9]);
    assert.deepEqual(
      [0, 2, 5, 7, 9].map((text) => scores.get(1, text)),
      [2, -1, 8, 0.5, 6],
    );
    assert.equal(scores.get(0, 3), 4);
    for (const [picture, text] of [
      [1, 3],
      [1, 10],
      [0, 0],
      [5, 0],
    ])
      assert.ok(Number.isNaN(scores.get(picture, text)));
    assert.equal(scores.size, 6);
  });

  it('keeps the first score of a pair that comes again', () => {
    const scores = new Scores();
    scores.add(
      pairs([
        [1, 0, 5],
        [1, 0, 6],
      ]),
    );
    scores.add(
      pairs([
        [1, 0, 7],
        [0, 0, 1],
      ]),
    );
    assert.equal(scores.get(0, 1), 5);
    assert.equal(scores.size, 2);
  });
});
