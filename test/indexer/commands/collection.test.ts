import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import Database from 'better-sqlite3';
import { runPatchword } from '../../command.js';
import { temporaryFolder } from '../../fixture.js';
import { samplePicture } from '../../server/collection.js';

describe('patchword collection', function () {
  this.timeout(120_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);

  const run = (...parameters: string[]) => runPatchword([...parameters, '--data', at('data')]);

  const collection = (...parameters: string[]) => run('collection', ...parameters);

  /** The one line of JSON on stdout. */
  async function json<T>(...parameters: string[]): Promise<T> {
    const { code, stdout, stderr } = await collection(...parameters, '--json');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^[^\n]+\n$/);
    return JSON.parse(stdout) as T;
  }

  /** Three pictures, one of them twice in another size. */
  before(async () => {
    mkdirSync(at('photos'));
    for (let i = 0; i < 3; i++) {
      const { file, captions } = await samplePicture(i);
      copyFileSync(file, at('photos', `${i}.jpg`));
      writeFileSync(at('photos', `${i}.txt`), captions.join('\n'));
    }
    await sharp(at('photos', '0.jpg')).jpeg({ quality: 60 }).toFile(at('photos', 'again.jpg'));
    const { code, stderr } = await run('index', at('photos'), '--collection', 'photos');
    assert.equal(code, 0, stderr);
    mkdirSync(at('data', 'collections', 'damaged'), { recursive: true });
    writeFileSync(at('data', 'collections', 'damaged', 'catalog.sqlite'), 'garbage'.repeat(1000));
  });

  for (const [parameters, code, message] of [
    [['delete', 'photos'], 2, /no terminal.*\n.*--yes/],
    [['delete', 'none', '--yes'], 3, /no collection "none"/],
    [['rename', 'photos', 'damaged'], 2, /"damaged" already/],
    [['rename', 'photos', '../x'], 2, /A collection's name/],
    [['info', 'none'], 3, /no collection "none"/],
    [['verify', 'damaged'], 6, /SQLITE_NOTADB/],
    [['export', 'photos', '.', '--filter', '{'], 2, /Expected JSON/],
    [['export', 'photos', '.', '--filter', '{"field":1}'], 2, /filter/],
    [['import', '/none', 'x'], 3, /none/],
    [['backup', 'photos', '/'], 2, /already/],
    [['duplicates', 'photos', '--limit', '0'], 2, /whole number/],
    [['vacuum', 'photos'], 2, /unknown command/],
  ] as [string[], number, RegExp][]) {
    it(`refuses ${parameters.join(' ')}`, async () => {
      const outcome = await collection(...parameters);
      assert.match(outcome.stderr, message);
      assert.equal(outcome.code, code, outcome.stderr);
      assert.equal(outcome.stdout, '');
      assert.deepEqual(readdirSync(at('data', 'collections')).sort(), ['damaged', 'photos']);
    });
  }

  it('lists what there is, the damaged one with what is wrong', async () => {
    const { collections } = await json<{ collections: { name: string; images?: number; error?: { code: string } }[] }>(
      'list',
    );
    assert.deepEqual(
      collections.map(({ name, images, error }) => [name, images, error?.code]),
      [
        ['damaged', undefined, 'COLLECTION_DAMAGED'],
        ['photos', 4, undefined],
      ],
    );
    const { stdout, code } = await collection('list');
    assert.equal(code, 0);
    assert.match(stdout, /damaged.*SQLITE_NOTADB/);
    assert.match(stdout, /photos +4 /);
  });

  it('says what a collection holds', async () => {
    const info = await json<Record<string, unknown> & { model: object; bytes: Record<string, number> }>(
      'info',
      'photos',
    );
    const { images, captions, files, missing, quarantined, removed, nearDuplicates, model, recall, bytes } = info;
    assert.deepEqual([images, files, missing, quarantined, removed, nearDuplicates], [4, 4, 0, 0, 0, 1]);
    assert.ok((captions as number) > 3);
    const { path: modelPath, prefilter } = model as Record<string, unknown>;
    assert.deepEqual([modelPath, prefilter], ['bundled', 'checkpoint']);
    assert.deepEqual((recall as Record<string, unknown>).images, { recall: 1, ef: null, vectors: 4, exact: true });
    assert.ok(bytes.catalog > 0 && bytes.modelInputs > 0);
    const { stdout } = await collection('info', 'photos');
    assert.match(stdout, /trained with the checkpoint/);
  });

  it('lists near duplicates, a line each', async () => {
    const { stdout } = await collection('duplicates', 'photos', '--json');
    const [pair, ...more] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { distance: number; images: { file: string }[] });
    assert.deepEqual(more, []);
    assert.deepEqual(pair.images.map(({ file }) => file).sort(), ['0.jpg', 'again.jpg']);
    assert.ok(pair.distance <= 3);
    assert.match((await collection('duplicates', 'photos')).stdout, /^\d {2}0\.jpg {2}again\.jpg\n$/);
  });

  it('verifies: exits 1 with what is wrong, and 0 once it is repaired', async () => {
    const database = new Database(at('data', 'collections', 'photos', 'catalog.sqlite'));
    database.exec('UPDATE meta SET images = 9');
    database.close();
    const found = await collection('verify', 'photos', '--json');
    assert.equal(found.code, 1);
    const { checks, passed } = JSON.parse(found.stdout) as {
      checks: { name: string; failed: number; advice: string }[];
      passed: boolean;
    };
    assert.equal(passed, false);
    const wrong = checks.filter(({ failed }) => failed > 0);
    assert.deepEqual(
      wrong.map(({ name, advice }) => [name, advice]),
      [['counts', 'Run: patchword collection verify photos --repair']],
    );
    assert.match(found.stderr, /VERIFICATION_FAILED/);
    const repaired = await collection('verify', 'photos', '--repair');
    assert.equal(repaired.code, 0, repaired.stderr);
    assert.match(repaired.stdout, /counts +3 +1 +repaired/);
    assert.equal((await collection('verify', 'photos')).code, 0);
  });

  it('says how many pictures of an export were not imported', async () => {
    mkdirSync(at('broken', 'images'), { recursive: true });
    copyFileSync(at('photos', '0.jpg'), at('broken', 'images', '0.jpg'));
    const names = ['0.jpg', ...Array.from({ length: 120 }, (_, i) => `x${i}.jpg`)];
    for (const name of names.slice(1)) writeFileSync(at('broken', 'images', name), 'no picture');
    const images = names.map((filename) => ({ filepath: 'images', filename, sentences: [] }));
    writeFileSync(at('broken', 'dataset.json'), JSON.stringify({ images }));
    const { code, stdout } = await collection('import', at('broken'), 'partly');
    assert.equal(code, 0);
    assert.match(stdout, /^1 picture and 0 captions imported/);
    assert.match(stdout, /… and 100 more; patchword quarantine list partly names them all/);
    await collection('delete', 'partly', '--yes');
  });

  it('exports, imports, backs up, compacts, renames and deletes', async () => {
    const exported = await json<{ images: number; missing: object[] }>('export', 'photos', at('out.tar'));
    assert.deepEqual([exported.images, exported.missing], [4, []]);
    await json('import', at('out.tar'), 'copy');
    assert.equal((await json<{ pictures: number }>('backup', 'copy', at('copy.tar'))).pictures, 5);
    assert.equal((await json<{ kind: string }>('import', at('copy.tar'), 'restored')).kind, 'backup');
    rmSync(at('data', 'collections', 'restored', 'imported', 'images'), { recursive: true });
    const lossy = await collection('backup', 'restored', at('lossy.tar'));
    assert.equal(lossy.code, 0, lossy.stderr);
    assert.match(
      lossy.stdout,
      /\n {2}4 pictures had been lost before: imported.*: it is gone; --json names them all\n$/,
    );
    const { before, after } = await json<Record<'before' | 'after', { catalog: number }>>('compact', 'restored');
    assert.ok(after.catalog <= before.catalog);
    assert.deepEqual(await json('rename', 'restored', 'other'), { name: 'other', was: 'restored' });
    for (const name of ['copy', 'other']) {
      assert.equal((await json<{ deleted: string }>('delete', name, '--yes')).deleted, name);
    }
    assert.deepEqual(readdirSync(at('data', 'collections')).sort(), ['damaged', 'photos']);
    assert.ok(existsSync(at('photos', '0.jpg')), 'originals stay');
  });
});
