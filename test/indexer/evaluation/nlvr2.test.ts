import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { evaluateNlvr2 } from '../../../indexer/evaluation/nlvr2.js';
import type { Inference } from '../../../src/inference/inference.js';
import { openInference } from '../../../src/inference/local.js';
import { temporaryFolder } from '../../fixture.js';
import { samplePicture } from '../../server/collection.js';
import { writeTiny } from './models.js';

const SENTENCES = ['both show a fox', 'there are two dogs left'];

describe('NLVR2 from its standard files', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  let inference: Inference;
  /** What the model says of each example: True or False. */
  const said = new Map<string, string>();

  function write(name: string, examples: object[]): string {
    writeFileSync(at(name), examples.map((example) => `${JSON.stringify(example)}\n`).join(''));
    return at(name);
  }
  /** An example as the files have them; the label is what the model says, or the opposite. */
  function example(identifier: string, right: boolean, more: object = {}) {
    const label = (said.get(identifier) === 'True') === right ? 'True' : 'False';
    const sentence = SENTENCES[Number(identifier.at(-1))];
    return { sentence, left_url: 'http://…', right_url: 'http://…', identifier, label, synset: 'fox', ...more };
  }

  before(async () => {
    inference = await openInference({ model: await writeTiny(at('model'), 'tiny-vilt-nlvr2') });
    mkdirSync(at('dev'));
    mkdirSync(at('train', '12'), { recursive: true });
    for (const pair of [0, 1]) {
      const files: string[] = [];
      for (const side of [0, 1]) {
        files.push(at('dev', `dev-850-${pair}-img${side}.png`));
        const { file } = await samplePicture(2 * pair + side);
        copyFileSync(file, files[side]);
        copyFileSync(file, at('train', '12', `train-850-${pair}-img${side}.png`));
      }
      const [left, right] = await Promise.all(files.map(async (file) => (await inference.prepare(file)).modelInput));
      for (const [statement, text] of SENTENCES.entries()) {
        const [{ label }] = await inference.compare({ text, images: [left, right] });
        for (const split of ['dev', 'train']) said.set(`${split}-850-${pair}-${statement}`, label);
      }
    }
  });
  after(() => inference.close());

  it('counts examples, and statements that are right for every pair', async () => {
    const annotations = write('dev.json', [
      example('dev-850-0-0', true),
      example('dev-850-1-0', true),
      example('dev-850-0-1', true),
      example('dev-850-1-1', false),
    ]);
    const result = await evaluateNlvr2({ inference, annotations, images: at('dev'), predictions: at('dev.csv') });
    const { kind, examples, accuracy, statements, consistency, missing } = result;
    assert.deepEqual([kind, examples, accuracy, statements, consistency, missing], ['nlvr2', 4, 75, 2, 50, []]);
    const ids = ['dev-850-0-0', 'dev-850-1-0', 'dev-850-0-1', 'dev-850-1-1'];
    assert.equal(readFileSync(at('dev.csv'), 'utf8'), ids.map((id) => `${id},${said.get(id)}\n`).join(''));
  });

  it('finds the pictures of the training split in their directories', async () => {
    const annotations = write('train.json', [example('train-850-0-0', true, { directory: 12 })]);
    const { accuracy } = await evaluateNlvr2({ inference, annotations, images: at('train') });
    assert.equal(accuracy, 100);
  });

  it('names pictures that are not there, and goes on without them on request', async () => {
    const annotations = write('more.json', [example('dev-850-0-0', true), example('dev-9-0-1', true)]);
    const options = { inference, annotations, images: at('dev') };
    await assert.rejects(evaluateNlvr2(options), {
      code: 'FILE_NOT_FOUND',
      message: /2 pictures cannot be found in .*dev: dev-9-0-img0\.png, dev-9-0-img1\.png/,
    });
    const { examples, missing } = await evaluateNlvr2({ ...options, allowMissing: true });
    assert.deepEqual([examples, missing.length], [1, 2]);
  });

  it('refuses a model that says something else than True and False', async () => {
    const compare = () => Promise.resolve([{ label: 'contradiction', probability: 1 }]);
    const annotations = write('labels.json', [example('dev-850-0-0', true)]);
    await assert.rejects(evaluateNlvr2({ inference: { ...inference, compare }, annotations, images: at('dev') }), {
      code: 'MODEL_INCOMPLETE',
      message: /answers "contradiction"; NLVR2 asks for True or False\.$/,
    });
  });

  it('refuses files that are something else', async () => {
    const bad = [
      ...['../../secret', '../train/12/train-850-0-0', 'dev\ndev-850-0-0'].map((identifier) => ({
        ...example('dev-850-0-0', true),
        identifier,
      })),
      { ...example('dev-850-0-0', true), label: 'Maybe' },
      { ...example('dev-850-0-0', true), directory: '../..' },
      ['dev-850-0-0'],
    ];
    for (const one of bad) {
      const annotations = write('bad.json', [example('dev-850-0-0', true), one]);
      await assert.rejects(evaluateNlvr2({ inference, annotations, images: at('dev') }), {
        code: 'SOURCE_INVALID',
        message: /bad\.json:2: /,
        hint: /docs\/evaluation\.md/,
      });
    }
  });
});
