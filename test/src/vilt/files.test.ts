import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readModel } from '../../../src/vilt/files.js';
import { fixture, temporaryFolder } from '../../fixture.js';
import { writeVariant } from './variant.js';

const TINY = fixture('tiny-vilt');

describe('readModel', () => {
  const folder = temporaryFolder();
  const at = (...parts: string[]) => path.join(folder.path, ...parts);

  describe('refuses', () => {
    it('a path where there is nothing', async () => {
      await assert.rejects(readModel(at('nowhere')), { code: 'MODEL_NOT_FOUND', message: /nowhere/ });
    });

    it('a folder with a configuration and no weights', async () => {
      mkdirSync(at('bare'));
      copyFileSync(path.join(TINY, 'config.json'), at('bare', 'config.json'));
      await assert.rejects(readModel(at('bare')), { code: 'MODEL_INCOMPLETE', message: /no weights/ });
    });

    it('weights without a configuration', async () => {
      mkdirSync(at('unconfigured'));
      copyFileSync(path.join(TINY, 'model.safetensors'), at('unconfigured', 'model.safetensors'));
      await assert.rejects(readModel(at('unconfigured')), { code: 'MODEL_INCOMPLETE', message: /no config\.json/ });
    });

    it('another architecture, before it misses its weights', async () => {
      mkdirSync(at('bert'));
      writeFileSync(at('bert', 'config.json'), '{"model_type": "bert"}');
      await assert.rejects(readModel(at('bert')), { code: 'MODEL_UNSUPPORTED', message: /"bert" model/ });
    });

    it('missing and mis-shaped tensors, all in one error', async () => {
      const broken = await writeVariant(at('broken'), {
        from: TINY,
        change(tensors) {
          tensors.delete('vilt.pooler.dense.bias');
          tensors.delete('vilt.encoder.layer.1.layernorm_after.weight');
          tensors.set('rank_output.weight', { shape: [2, 64], values: new Float32Array(128) });
        },
      });
      await assert.rejects(readModel(broken), {
        code: 'MODEL_INCOMPLETE',
        message:
          /in 3 tensors: .*layer\.1\.layernorm_after\.weight is missing; .*pooler\.dense\.bias is missing; rank_output\.weight is \(2, 64\), expected \(1, 64\)/,
      });
    });
  });

  it('knows what a checkpoint holds before it loads it', async () => {
    const files = await readModel(TINY);
    assert.deepEqual(files.heads, ['rank']);
    assert.equal(files.prefilter, false);
    assert.equal(files.config.hiddenSize, 64);
    assert.equal(files.imageConfig.shortestEdge, 96);
  });
});
