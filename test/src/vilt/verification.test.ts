import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeSafetensors } from '../../../src/vilt/checkpoint/safetensors.js';
import { verifyModel } from '../../../src/vilt/verification.js';
import { fixture, temporaryFolder } from '../../fixture.js';
import { weights, writeVariant } from './variant.js';

/** fp32 sums in another order: far below the 1e-3 that is promised, so that a wrong epsilon or mask shows. */
const EXACT = 5e-5;

describe('verifyModel', () => {
  const folder = temporaryFolder();

  it('refuses a case that is not one, naming what is missing', async () => {
    const model = fixture('tiny-vilt');
    await assert.rejects(verifyModel({ model, cases: fixture('ipot') }), {
      code: 'SOURCE_INVALID',
      message: /missing in\.input_ids, in\.pixel_values/,
    });
    await assert.rejects(verifyModel({ model, cases: path.join(folder.path, 'nowhere') }), { code: 'FILE_NOT_FOUND' });
    await assert.rejects(verifyModel({ model, cases: folder.path }), { code: 'FILE_NOT_FOUND' });
  });

  const malformed: [string, Record<string, number[]>][] = [
    ['no rows', { 'in.input_ids': [0, 3], 'in.pixel_values': [0, 3, 96, 96], 'out.logits': [0, 1] }],
    ['too many tokens', { 'in.input_ids': [1, 60] }],
    ['pictures without channels', { 'in.pixel_values': [1, 96, 96] }],
    ['one channel', { 'in.pixel_values': [1, 1, 96, 96] }],
    ['a picture smaller than a patch', { 'in.pixel_values': [1, 3, 8, 96] }],
    ['a mask that keeps nothing', { 'in.pixel_mask': [1, 96, 96] }],
    ['a mask of another size', { 'in.pixel_mask': [1, 96, 80] }],
    ['inputs of two batches', { 'in.pixel_values': [2, 3, 96, 96] }],
    ['an input that is not known', { 'in.token_type_ids': [1, 3] }],
  ];
  for (const [what, change] of malformed) {
    it(`refuses a case with ${what}`, async () => {
      const plain: Record<string, number[]> = {
        'in.input_ids': [1, 3],
        'in.pixel_values': [1, 3, 96, 96],
        'out.logits': [1, 1],
      };
      const cases = path.join(folder.path, 'malformed.safetensors');
      const tensors = Object.entries({ ...plain, ...change }).map(([name, shape]) => {
        return { name, dtype: 'F32' as const, shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) };
      });
      await writeSafetensors(cases, tensors);
      await assert.rejects(verifyModel({ model: fixture('tiny-vilt'), cases }), { code: 'SOURCE_INVALID' });
    });
  }

  it('refuses a case whose head the checkpoint lacks', async () => {
    const cases = fixture('tiny-vilt-vqa', 'cases');
    await assert.rejects(verifyModel({ model: fixture('tiny-vilt'), cases }), { code: 'HEAD_MISSING' });
  });

  it('refuses the cases of another vocabulary', async () => {
    const cases = fixture('tiny-vilt', 'cases', 'square.safetensors');
    await assert.rejects(verifyModel({ model: fixture('tiny-vilt-end-to-end'), cases }), {
      code: 'SOURCE_INVALID',
      message: /the model knows only 157/,
    });
  });

  it('fails weights that are not those of the cases, and differences beyond the tolerance', async () => {
    const passes = async (model: string, tolerance?: number) => {
      const cases = fixture('tiny-vilt', 'cases', 'square.safetensors');
      return (await verifyModel({ model, cases, tolerance })).cases[0].passed;
    };
    assert.equal(await passes(fixture('tiny-vilt')), true);
    assert.equal(await passes(fixture('tiny-vilt'), 1e-12), false);
    const other = await writeVariant(path.join(folder.path, 'other'), {
      from: fixture('tiny-vilt'),
      change: (tensors) => tensors.set('rank_output.weight', weights(1, [1, 64])),
    });
    assert.equal(await passes(other), false);
  });

  for (const name of ['tiny-vilt', 'tiny-vilt-mlm', 'tiny-vilt-vqa', 'tiny-vilt-nlvr2']) {
    it(`${name} gives the reference's numbers`, async () => {
      const { cases, notes } = await verifyModel({ model: fixture(name), cases: fixture(name, 'cases') });
      assert.deepEqual(
        cases.map((result) => `${result.name}.safetensors`),
        readdirSync(fixture(name, 'cases')).sort(),
      );
      for (const result of cases)
        assert.ok(result.largest <= EXACT, `${result.name}: ${JSON.stringify(result.outputs)}`);
      assert.deepEqual(notes, []);
    });
  }

  for (const [format, model] of [
    ['PyTorch weights', fixture('tiny-vilt', 'pytorch_model.bin')],
    ["the original repository's .ckpt", fixture('tiny-vilt-original')],
  ]) {
    it(`${format} give the same`, async () => {
      const { cases } = await verifyModel({ model, cases: fixture('tiny-vilt', 'cases') });
      assert.equal(cases.length, 5);
      for (const { largest } of cases) assert.ok(largest <= EXACT, String(largest));
    });
  }

  it('reads the heads and the epsilon of a .ckpt from the config.json beside it', async () => {
    const config = JSON.parse(readFileSync(fixture('tiny-vilt-original', 'config.json'), 'utf8')) as object;
    const passes = async (name: string, beside: object | null) => {
      const model = path.join(folder.path, name);
      mkdirSync(model);
      copyFileSync(fixture('tiny-vilt-original', 'vilt_irtr_tiny.ckpt'), path.join(model, 'vilt.ckpt'));
      if (beside) writeFileSync(path.join(model, 'config.json'), JSON.stringify(beside));
      const cases = fixture('tiny-vilt', 'cases', 'square.safetensors');
      return (await verifyModel({ model, cases })).cases[0].passed;
    };
    assert.equal(await passes('beside', config), true);
    assert.equal(await passes('epsilon', { ...config, layer_norm_eps: 0.1 }), false);
    assert.equal(await passes('alone', null), false); // takes one head of 64, not four of 16
  });
});
