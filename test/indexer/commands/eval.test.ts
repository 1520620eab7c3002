import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Comparison } from '../../../src/evaluation/comparison.js';
import { BUNDLED_MODEL, BUNDLED_SAMPLE } from '../../../src/paths.js';
import { runPatchword } from '../../command.js';
import { temporaryFolder } from '../../fixture.js';
import { samplePicture } from '../../server/collection.js';
import { retrievalResult } from '../../src/evaluation/retrieval.js';
import { writeTiny } from '../evaluation/models.js';

describe('the verbs of patchword eval', function () {
  this.timeout(120_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);

  const patchword = (...parameters: string[]) =>
    runPatchword(['eval', ...parameters], { env: { PATCHWORD_CACHE: at('cache') }, cwd: temporary.path });
  const json = <T>(text: string) => JSON.parse(text) as T;

  before(() => {
    const { model } = retrievalResult();
    writeFileSync(at('a.json'), JSON.stringify(retrievalResult()));
    writeFileSync(at('b.json'), JSON.stringify(retrievalResult({ model: { ...model, precision: 'int8' } })));
    writeFileSync(at('other.json'), JSON.stringify(retrievalResult({ protocol: 'coco-5k' })));
  });

  it('writes the report of a saved result', async () => {
    const { code, stdout, stderr } = await patchword('report', 'a.json', '--output', 'a.html', '--json');
    assert.equal(code, 0, stderr);
    const { report, bytes } = json<{ report: string; bytes: number }>(stdout);
    assert.deepEqual([report, bytes], ['a.html', readFileSync(at('a.html')).length]);
    const refused = await patchword('report', 'a.html', '--output', 'c.html');
    assert.deepEqual([refused.code, refused.stdout], [4, '']);
    assert.match(refused.stderr, /a\.html is not JSON/);
  });

  it('compares two saved results, and refuses others', async () => {
    const { code, stdout, stderr } = await patchword('compare', 'a.json', 'b.json', '--json');
    assert.equal(code, 0, stderr);
    const { kind, names, changes, rows } = json<Comparison>(stdout);
    assert.deepEqual([kind, names], ['comparison', { a: 'a.json', b: 'b.json' }]);
    assert.deepEqual(changes, [{ what: 'precision', a: 'fp32', b: 'int8' }]);
    assert.equal(rows.length, 24);
    const table = (await patchword('compare', 'a.json', 'b.json')).stdout;
    assert.match(table, /precision +fp32 +int8/);
    assert.match(table, /text → image[^\n]*\nprefilter alone +75\.0 +75\.0 +\+0\.0 \[\+0\.0, \+0\.0\]/);
    const other = await patchword('compare', 'a.json', 'other.json');
    assert.deepEqual([other.code, other.stdout], [2, '']);
    assert.match(other.stderr, /different tasks: protocol is whole-split in a\.json and coco-5k in other\.json/);
  });

  it('writes a report of what it measured', async () => {
    const { images } = json<{ images: object[] }>(readFileSync(BUNDLED_SAMPLE, 'utf8'));
    writeFileSync(at('few.json'), JSON.stringify({ images: images.slice(0, 8) }));
    const pictures = ['--images', path.dirname(BUNDLED_SAMPLE)];
    const { code, stdout, stderr } = await patchword(
      'few.json',
      ...pictures,
      ...['--candidates', '2', '--queries', '4', '--report', 'few.html', '--json'],
    );
    assert.equal(code, 0, stderr);
    assert.equal(json<{ kind: string }>(stdout).kind, 'retrieval');
    assert.match(readFileSync(at('few.html'), 'utf8'), /"kind":"retrieval".*"images":8,/);
    const refused = await patchword('few.json', ...pictures, '--report', 'few.json');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /^patchword: few\.json is there already and is not a report/, 'before it measures');
  });

  it('says before it measures that a report cannot be written', async () => {
    const { code, stderr } = await patchword('nowhere.json', '--report', path.join('no', 'folder', 'few.html'));
    assert.deepEqual([code, stderr], [3, `patchword: ${at('no', 'folder')} does not exist.\n`]);
  });

  it('says that pictures have no captions, not that they cannot be read', async () => {
    mkdirSync(at('bare'));
    copyFileSync((await samplePicture(0)).file, at('bare', 'fox.jpg'));
    const { code, stderr } = await patchword('bare');
    assert.equal(code, 4);
    assert.match(stderr, /No picture of \S+bare has a caption, so .*\n {2}docs\/collections\.md says/);
  });

  it('measures VQA and NLVR2 with a model that can', async () => {
    mkdirSync(at('pictures'));
    copyFileSync((await samplePicture(0)).file, at('pictures', 'COCO_val2014_000000000042.jpg'));
    const question = { question_id: 1, image_id: 42, question: 'is it red ?' };
    writeFileSync(at('questions.json'), JSON.stringify({ questions: [question] }));
    const answers = Array.from({ length: 10 }, (_, person) => ({ answer_id: person, answer: 'unheard of' }));
    const annotations = [{ question_id: 1, answer_type: 'other', answers }];
    writeFileSync(at('annotations.json'), JSON.stringify({ annotations }));
    const vqa = ['vqa', '--questions', 'questions.json', '--images', 'pictures'];
    const model = await writeTiny(at('vqa'), 'tiny-vilt-vqa');

    const measured = await patchword(...vqa, '--annotations', 'annotations.json', '--model', model);
    assert.equal(measured.code, 0, measured.stderr);
    assert.match(measured.stdout, /^answers +questions +accuracy, %\nother +1 +0\.00\nall +1 +0\.00\n$/);
    const headless = await patchword(...vqa, '--predictions', 'said.json', '--model', BUNDLED_MODEL);
    assert.deepEqual([headless.code, existsSync(at('said.json'))], [5, false]);

    for (const side of [0, 1]) copyFileSync((await samplePicture(side)).file, at('pictures', `dev-1-0-img${side}.png`));
    const example = { identifier: 'dev-1-0-0', sentence: 'both show a fox', label: 'True' };
    writeFileSync(at('dev.json'), JSON.stringify(example));
    const nlvr2 = ['nlvr2', '--annotations', 'dev.json', '--images', 'pictures'];
    const judged = await patchword(...nlvr2, '--model', await writeTiny(at('nlvr2'), 'tiny-vilt-nlvr2'), '--json');
    assert.equal(judged.code, 0, judged.stderr);
    const { examples, accuracy } = json<{ examples: number; accuracy: number }>(judged.stdout);
    assert.ok(examples === 1 && [0, 100].includes(accuracy));
  });
});
