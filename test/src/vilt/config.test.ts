import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BUNDLED_MODEL } from '../../../src/paths.js';
import { inferConfig, readConfig, readImageConfig } from '../../../src/vilt/config.js';
import { openCheckpoint } from '../../../src/vilt/checkpoint/checkpoint.js';
import { fixture, temporaryFolder } from '../../fixture.js';

describe('readConfig', () => {
  const folder = temporaryFolder();
  const write = (json: unknown) => {
    const file = path.join(folder.path, 'config.json');
    writeFileSync(file, typeof json === 'string' ? json : JSON.stringify(json));
    return file;
  };

  it('refuses a checkpoint of another architecture by its name', () => {
    assert.throws(() => readConfig(write({ model_type: 'bert' })), {
      code: 'MODEL_UNSUPPORTED',
      message: /"bert" model/,
    });
    assert.throws(() => readConfig(write({})), { code: 'MODEL_UNSUPPORTED', message: /without a model_type/ });
  });

  it('refuses what is not JSON, and values that make no model', () => {
    assert.throws(() => readConfig(write('{"model_type"')), { code: 'MODEL_INCOMPLETE' });
    assert.throws(() => readConfig(write({ model_type: 'vilt', hidden_size: -1 })), { message: /hidden_size/ });
    assert.throws(() => readConfig(write({ model_type: 'vilt', hidden_act: 'swish' })), {
      message: /"swish" is not one of/,
    });
    assert.throws(() => readConfig(write({ model_type: 'vilt', hidden_size: 100, num_attention_heads: 3 })), {
      message: /not a multiple/,
    });
  });

  it("takes the reference's defaults for what config.json leaves out", () => {
    const config = readConfig(write({ model_type: 'vilt' }));
    assert.deepEqual(
      [config.hiddenSize, config.layers, config.heads, config.patchSize, config.imageSize, config.vocabularySize],
      [768, 12, 12, 32, 384, 30522],
    );
    assert.equal(config.layerNormEpsilon, 1e-12);
  });

  it('reads labels in the order of their ids', () => {
    const { labels } = readConfig(fixture('tiny-vilt-vqa', 'config.json'));
    assert.equal(labels.length, 13);
    assert.equal(labels[10], 'LABEL_10');
  });
});

describe('inferConfig', () => {
  it("reads an original checkpoint's shape off its tensors", async () => {
    const { tensors } = await openCheckpoint(fixture('tiny-vilt-original', 'vilt_irtr_tiny.ckpt'));
    const config = inferConfig(new Map([...tensors].map(([name, { shape }]) => [name, shape])));
    const written = readConfig(fixture('tiny-vilt', 'config.json'));
    for (const key of [
      'hiddenSize',
      'layers',
      'intermediateSize',
      'patchSize',
      'imageSize',
      'vocabularySize',
    ] as const) {
      assert.equal(config[key], written[key], key);
    }
    assert.deepEqual([config.heads, config.layerNormEpsilon, config.textLayerNormEpsilon], [1, 1e-6, 1e-12]);
  });

  it('refuses what no ViLT has, in one line', async () => {
    const { tensors } = await openCheckpoint(fixture('tiny-vilt-original', 'vilt_irtr_tiny.ckpt'));
    const shapes = (changed: Record<string, number[]>) =>
      new Map([...[...tensors].map(([name, { shape }]) => [name, shape] as const), ...Object.entries(changed)]);
    const lying: [Record<string, number[]>, RegExp][] = [
      [{ 'vilt.encoder.layer.999999999.layernorm_before.weight': [64] }, /and 1000000000 layers\.$/],
      [{ 'vilt.embeddings.cls_token': [1, 1, 200] }, /and a width of 200, no multiple of 64\.$/],
      [{ 'vilt.embeddings.patch_embeddings.projection.weight': [64, 4, 16, 16] }, /and pictures of 4 channels\.$/],
      [{ 'vilt.embeddings.token_type_embeddings.weight': [1, 64] }, /and 1 modalities\.$/],
    ];
    for (const [changed, message] of lying) {
      assert.throws(() => inferConfig(shapes(changed)), { code: 'MODEL_UNSUPPORTED', message });
    }
  });

  it('refuses tensors that are not of a ViLT', () => {
    assert.throws(() => inferConfig(new Map([['bert.embeddings', [1]]])), { code: 'MODEL_UNSUPPORTED' });
  });
});

describe('readImageConfig', () => {
  const folder = temporaryFolder();

  it("reads the reference's preprocessor_config.json", () => {
    const config = readConfig(path.join(BUNDLED_MODEL, 'config.json'));
    assert.deepEqual(readImageConfig(BUNDLED_MODEL, config), {
      shortestEdge: 112,
      sizeDivisor: 16,
      rescaleFactor: 1 / 255,
      mean: [0.5, 0.5, 0.5],
      standardDeviation: [0.5, 0.5, 0.5],
    });
  });

  it('refuses another resampling filter', () => {
    const config = readConfig(path.join(BUNDLED_MODEL, 'config.json'));
    const json = JSON.parse(readFileSync(path.join(BUNDLED_MODEL, 'preprocessor_config.json'), 'utf8')) as object;
    writeFileSync(path.join(folder.path, 'preprocessor_config.json'), JSON.stringify({ ...json, resample: 2 }));
    assert.throws(() => readImageConfig(folder.path, config), {
      code: 'MODEL_UNSUPPORTED',
      message: /resample: must be 3/,
    });
  });
});
