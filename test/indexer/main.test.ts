import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runPatchword as patchword, type Outcome } from '../command.js';
import { fixture, temporaryFolder } from '../fixture.js';
import { writePictures } from './pictures.js';

/** stdout as one line of JSON, and nothing else. */
function jsonOf({ stdout, stderr }: Outcome): unknown {
  assert.match(stdout, /^[^\n]+\n$/, `stdout: ${stdout}\nstderr: ${stderr}`);
  return JSON.parse(stdout);
}

describe('bin/patchword.js', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  const withData = (...parameters: string[]) => patchword([...parameters, '--data', at('data')]);
  const names = ['coco_640x480.png', 'flickr_500x375.jpg', 'square_384.png'];

  before(() => {
    mkdirSync(at('photos'));
    for (const name of names) {
      copyFileSync(fixture('preprocess', name), at('photos', name));
      writeFileSync(at('photos', `${path.parse(name).name}.txt`), `a picture called ${name}`);
    }
    writeFileSync(at('photos', 'broken.png'), 'not a picture');
  });

  it('says what is wrong in one line, with its exit code and without a stack', async () => {
    const outcome = await withData('search', 'a fox', '--collection', 'none');
    assert.equal(outcome.code, 3);
    assert.equal(outcome.stdout, '');
    assert.match(outcome.stderr, /^patchword: [^\n]*none[^\n]*\n( {2}[^\n]+\n)?$/);
  });

  it('reports a misspelled option as JSON where JSON was asked for', async () => {
    const outcome = await withData('search', 'a fox', '--colection', 'x', '--json');
    assert.equal(outcome.code, 2);
    assert.equal(outcome.stdout, '');
    const { error } = JSON.parse(outcome.stderr) as { error: { code: string; hint: string } };
    assert.equal(error.code, 'INVALID_ARGUMENT');
    assert.match(error.hint, /--collection/);
  });

  it('refuses to index with a checkpoint without prefilter heads, names the command that fits them, and makes no collection', async () => {
    const model = fixture('tiny-vilt-end-to-end');
    const outcome = await withData('index', at('photos'), '--collection', 'x', '--model', model);
    assert.equal(outcome.code, 5);
    assert.match(
      outcome.stderr,
      /^patchword: .*prefilter\.image_projection.*\n {2}.*patchword fit --model .* --captions/,
    );
    assert.equal(existsSync(at('data', 'collections', 'x')), false);
  });

  it('indexes and searches with nothing on stdout but one line of JSON', async () => {
    const indexed = await withData('index', at('photos'), '--collection', 'photos', '--json');
    assert.equal(indexed.code, 0, indexed.stderr);
    assert.match(indexed.stderr, /^patchword: Reading photos as a folder of pictures[^\n]*\.$/m);
    const { added, skipped } = jsonOf(indexed) as { added: number; skipped: { file: string }[] };
    assert.equal(added, names.length);
    assert.deepEqual(
      skipped.map(({ file }) => file),
      ['broken.png'],
    );

    const text = ['zyzzyva', ...Array.from({ length: 60 }, () => 'fox')].join(' ');
    const found = await withData('search', text, '--collection', 'photos', '-k', '2', '--json');
    assert.equal(found.code, 0, found.stderr);
    const update = jsonOf(found) as Record<string, unknown> & { hits: Record<string, unknown>[]; notes: string[] };
    assert.deepEqual(Object.keys(update).sort(), [
      ...['candidates', 'hits', 'notes', 'nothingMatches', 'spent', 'stage', 'target', 'unknownWords'],
    ]);
    assert.equal(update.hits.length, 2);
    const ofImage = ['imageId', 'file', 'split', 'attributes', 'missing', 'captions'];
    const ofHit = ['similarity', 'matchScore', 'matchProbability', 'sources'];
    assert.deepEqual(Object.keys(update.hits[0]), [...ofImage, ...ofHit]);
    assert.match(update.notes[0], /40 tokens/);
    assert.match(found.stderr, /40 tokens/);
    assert.deepEqual(update.unknownWords, ['zyzzyva']);
    assert.match(found.stderr, /^patchword: The model does not know "zyzzyva"\.$/m);
  });

  it('does not index what it wrote itself, where the source holds the collections', async () => {
    const index = ['index', at('holder'), '--collection', 'own', '--data', at('holder', 'data'), '--json'];
    mkdirSync(at('holder'));
    copyFileSync(at('photos', names[0]), at('holder', names[0]));
    assert.equal((jsonOf(await patchword(index)) as { added: number }).added, 1);
    const thumbnails = at('holder', 'data', 'collections', 'own', 'thumbnails');
    mkdirSync(thumbnails, { recursive: true });
    copyFileSync(at('photos', names[2]), path.join(thumbnails, '1.png'));
    const again = jsonOf(await patchword(index)) as { added: number; unchanged: number };
    assert.deepEqual([again.added, again.unchanged], [0, 1]);
  });

  it('finds only what every condition and the filter let through', async () => {
    const search = ['search', 'a picture called square', '--collection', 'photos', '--sources', 'captions', '--json'];
    const filter = JSON.stringify({ not: { field: 'height', range: { gt: 400 } } });
    const files = async (...conditions: string[]) => {
      const found = await withData(...search, ...conditions);
      assert.equal(found.code, 0, found.stderr);
      const { hits } = jsonOf(found) as { hits: { file: string; sources: string[] }[] };
      assert.ok(hits.every(({ sources }) => sources.join() === 'captions'));
      return hits.map(({ file }) => file).sort();
    };
    assert.deepEqual(await files(), names);
    assert.deepEqual(await files('--filter', filter), names.slice(1));
    assert.deepEqual(await files('--filter', filter, '--where', 'width=384'), ['square_384.png']);
    assert.deepEqual(await files('--where', 'width=384', '--where', `file=' OR 1=1 --`), []);
  });

  it('changes nothing where a collection was built with another model', async () => {
    const model = fixture('tiny-vilt-end-to-end');
    const refused = await withData('index', at('photos'), '--collection', 'photos', '--model', model);
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /was built with/);
    const image = at('photos', 'square_384.png');
    const found = await withData('search', '--image', image, '--target', 'images', '--collection', 'photos');
    assert.equal(found.code, 0, found.stderr);
    const [, first] = found.stdout.split('\n');
    assert.match(first, /^ *1 .*square_384\.png +a picture called square_384\.png$/);
    assert.equal(found.stdout.split('\n').length, 1 + names.length + 1);
  });

  it('stops at Ctrl-C after the batch under way, and says how to continue', async () => {
    mkdirSync(at('many'));
    await writePictures(at('many'), Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`${i}.png`, i])));
    const command = ['index', at('many'), '--collection', 'many', '--data', at('data')];
    const outcome = await patchword(command, { interruptAt: /Indexing:/ });
    assert.equal(outcome.code, 130, outcome.stderr);
    assert.match(outcome.stderr, /patchword: Stopped after \d+ of 400 pictures; they are kept\.\n.*same command again/);
  });

  it('prints a verification that fails, and exits 1', async () => {
    const cases = fixture('tiny-vilt', 'cases', 'square.safetensors');
    const outcome = await patchword(['model', 'verify', fixture('tiny-vilt'), cases, '--tolerance', '0', '--json']);
    assert.equal(outcome.code, 1, outcome.stderr);
    const result = jsonOf(outcome) as { passed: boolean; cases: { name: string; largest: number }[] };
    assert.equal(result.passed, false);
    assert.ok(result.cases[0].largest > 0 && result.cases[0].largest < 1e-3);
    assert.match(outcome.stderr, /"VERIFICATION_FAILED"/);
  });

  it('ends quietly where nobody reads its output', async () => {
    const outcome = await patchword(['model', 'info', fixture('tiny-vilt-end-to-end')], { closeStdout: true });
    assert.deepEqual(outcome, { code: 0, stdout: '', stderr: '' });
  });
});
