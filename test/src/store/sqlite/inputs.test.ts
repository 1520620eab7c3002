import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { InputCache } from '../../../../src/store/sqlite/inputs.js';
import { INPUTS_STEPS } from '../../../../src/store/sqlite/schema.js';
import { temporaryFolder } from '../../../fixture.js';

const EDGE = 64;
const INPUT_BYTES = 3 * EDGE * EDGE;

const key = (contentHash: string, inputSize = '64/32') => ({ contentHash, inputSize });

function entry(name: string, value = name.length) {
  return {
    ...key(name),
    modelInput: { width: EDGE, height: EDGE, pixels: new Uint8Array(INPUT_BYTES).fill(value) },
  };
}

describe('cache of model inputs', () => {
  const folder = temporaryFolder();
  let files = 0;
  const notes: string[] = [];
  const caches: InputCache[] = [];
  const newFile = () => path.join(folder.path, `${files++}.sqlite`);
  const openCache = (file: string, maxBytes = 2 ** 30) => {
    const cache = new InputCache({ file, maxBytes, onNote: (line) => notes.push(line) });
    caches.push(cache);
    return cache;
  };

  beforeEach(() => void (notes.length = 0));
  afterEach(() => caches.splice(0).forEach((cache) => cache.close()));

  it('gives back what it was given, also when opened again', () => {
    const file = newFile();
    const cache = openCache(file);
    assert.equal(cache.get(key('a')), null);
    assert.ok(!existsSync(file), 'reading makes no file');
    cache.put([entry('a', 1), entry('b', 2)]);
    assert.deepEqual(cache.get(key('b')), entry('b', 2).modelInput);
    cache.close();
    assert.deepEqual(openCache(file).get(key('a')), entry('a', 1).modelInput);
    assert.deepEqual(notes, []);
  });

  it('keeps an input of each size apart', () => {
    const cache = openCache(newFile());
    const small = { width: 2, height: 2, pixels: new Uint8Array(12).fill(7) };
    cache.put([entry('a', 1), { ...key('a', '2/2'), modelInput: small }]);
    assert.deepEqual(cache.get(key('a')), entry('a', 1).modelInput);
    assert.deepEqual(cache.get(key('a', '2/2')), small);
    assert.equal(cache.get(key('a', '2/1')), null);
    assert.deepEqual(notes, []);
  });

  it('forgets a content in all sizes, and makes no file to do so', () => {
    const file = newFile();
    const cache = openCache(file);
    cache.remove(['a']);
    assert.ok(!existsSync(file));
    cache.put([entry('a'), { ...entry('a'), inputSize: '32/32' }, entry('b')]);
    cache.remove(['a', 'unknown']);
    assert.equal(cache.get(key('a')), null);
    assert.equal(cache.get(key('a', '32/32')), null);
    assert.deepEqual(cache.get(key('b')), entry('b').modelInput);
    assert.deepEqual(notes, []);
  });

  it('starts afresh where an earlier version made its file', () => {
    for (const first of ['get', 'put']) {
      const file = newFile();
      const old = new Database(file);
      old.exec(INPUTS_STEPS[0]);
      old.pragma('user_version = 1');
      old.exec("INSERT INTO inputs (content_hash, width, height, pixels) VALUES ('a', 1, 1, x'010203')");
      old.close();
      const cache = openCache(file);
      if (first === 'get') assert.equal(cache.get(key('a')), null);
      cache.put([entry('b')]);
      assert.equal(cache.get(key('a')), null);
      assert.deepEqual(cache.get(key('b')), entry('b').modelInput);
    }
    assert.deepEqual(notes, []);
  });

  it('drops the oldest for the newest, and never outgrows its bound', () => {
    const file = newFile();
    const maxBytes = 20 * INPUT_BYTES;
    const cache = openCache(file, maxBytes);
    for (let i = 0; i < 100; i += 4) cache.put([0, 1, 2, 3].map((j) => entry(`input ${i + j}`)));
    assert.equal(cache.get(key('input 50')), null);
    assert.deepEqual(cache.get(key('input 99')), entry('input 99').modelInput);
    const kept = Array.from({ length: 100 }, (_, i) => cache.get(key(`input ${i}`)) !== null);
    assert.equal(kept.indexOf(true), 100 - kept.filter(Boolean).length, 'the newest, without gaps');
    assert.ok(kept.filter(Boolean).length >= 15);
    cache.close();
    assert.ok(statSync(file).size <= 1.1 * maxBytes, `${statSync(file).size}`);
  });

  it('keeps nothing that alone is over the bound, nor anything at a bound of 0', () => {
    const small = openCache(newFile(), INPUT_BYTES / 2);
    small.put([entry('a')]);
    assert.equal(small.get(key('a')), null);
    const file = newFile();
    openCache(file, 0).put([entry('a')]);
    assert.ok(!existsSync(file));
    assert.deepEqual(notes, []);
  });

  it('may be deleted at any time', () => {
    const file = newFile();
    const cache = openCache(file);
    cache.put([entry('a')]);
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    cache.get(key('a'));
    cache.put([entry('b')]);
    assert.deepEqual(cache.get(key('b')), entry('b').modelInput);
    assert.ok(existsSync(file));
  });

  it('starts afresh where its file is damaged, with a note and no error', () => {
    const file = newFile();
    writeFileSync(file, 'garbage '.repeat(1000));
    const cache = openCache(file);
    assert.equal(cache.get(key('a')), null);
    assert.equal(notes.length, 1);
    assert.match(notes[0], /SQLITE_NOTADB|not a database/);
    cache.put([entry('a')]);
    assert.deepEqual(cache.get(key('a')), entry('a').modelInput);
    cache.close();

    const bytes = readFileSync(file);
    bytes.fill(0xff, 4096, 3 * 4096);
    writeFileSync(file, bytes);
    const again = openCache(file);
    again.get(key('a'));
    again.put([entry('b')]);
    again.put([entry('c')]);
    assert.deepEqual(again.get(key('c')), entry('c').modelInput);
  });

  it('goes where it is compacted and of no use, with no error', () => {
    for (const content of ['no database', '']) {
      const file = newFile();
      writeFileSync(file, content);
      const cache = openCache(file);
      cache.compact(() => true);
      assert.ok(!existsSync(file));
      cache.put([entry('a', 1)]);
      assert.deepEqual(cache.get(key('a')), entry('a', 1).modelInput);
    }
  });

  it('starts afresh where its file is empty', () => {
    const file = newFile();
    writeFileSync(file, '');
    const cache = openCache(file);
    cache.put([entry('a')]);
    cache.put([entry('b')]);
    assert.deepEqual(cache.get(key('b')), entry('b').modelInput);
  });

  it('is passed over where it cannot be written, with one note', () => {
    const cache = openCache(path.join(folder.path, 'no-such-folder', 'inputs.sqlite'));
    cache.put([entry('a')]);
    cache.put([entry('b')]);
    assert.equal(cache.get(key('a')), null);
    assert.equal(notes.length, 1);
    assert.match(notes[0], /passed over/);
  });
});
