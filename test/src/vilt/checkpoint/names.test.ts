import assert from 'node:assert/strict';
import { toHuggingFaceNames } from '../../../../src/vilt/checkpoint/names.js';
import type { Tensor } from '../../../../src/vilt/checkpoint/tensor.js';

function tensorsOf(shapes: Record<string, number[]>): Map<string, Tensor> {
  let offset = 1000;
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const byteLength = 4 * shape.reduce((product, length) => product * length, 1);
      const tensor: Tensor = { name, dtype: 'F32', shape, file: '/weights', offset, byteLength };
      offset += byteLength;
      return [name, tensor];
    }),
  );
}

const named = (shapes: Record<string, number[]>) => [...toHuggingFaceNames(tensorsOf(shapes)).tensors.keys()];
const original = (...names: string[]) =>
  named(Object.fromEntries(['transformer.cls_token', ...names].map((name) => [name, [3]]))).slice(1);

describe('toHuggingFaceNames', () => {
  it('refuses a fused qkv that does not divide in three', () => {
    const shapes = { 'transformer.cls_token': [1, 1, 4], 'transformer.blocks.0.attn.qkv.weight': [8, 4] };
    assert.throws(() => named(shapes), { code: 'MODEL_INCOMPLETE', message: /qkv\.weight" is \(8, 4\), not query/ });
  });

  it('splits a fused qkv into ranges of the same bytes', () => {
    const shapes = {
      'transformer.cls_token': [1, 1, 4],
      'transformer.blocks.11.attn.qkv.weight': [12, 4],
      'transformer.blocks.11.attn.qkv.bias': [12],
    };
    const { tensors } = toHuggingFaceNames(tensorsOf(shapes));
    const prefix = 'vilt.encoder.layer.11.attention.attention';
    const parts = ['query', 'key', 'value'].map((part) => tensors.get(`${prefix}.${part}.weight`)!);
    assert.deepEqual(
      parts.map(({ offset, byteLength }) => [offset - 1016, byteLength]),
      [
        [0, 64],
        [64, 64],
        [128, 64],
      ],
    );
    assert.deepEqual(
      parts.map(({ shape }) => shape),
      [
        [4, 4],
        [4, 4],
        [4, 4],
      ],
    );
    assert.deepEqual(tensors.get(`${prefix}.value.bias`), {
      name: `${prefix}.value.bias`,
      dtype: 'F32',
      shape: [4],
      file: '/weights',
      offset: 1016 + 192 + 32,
      byteLength: 16,
    });
    assert.equal(tensors.size, 7);
  });

  it("renames the original's body", () => {
    const names = {
      'text_embeddings.word_embeddings.weight': 'vilt.embeddings.text_embeddings.word_embeddings.weight',
      'text_embeddings.LayerNorm.bias': 'vilt.embeddings.text_embeddings.LayerNorm.bias',
      'token_type_embeddings.weight': 'vilt.embeddings.token_type_embeddings.weight',
      'transformer.pos_embed': 'vilt.embeddings.position_embeddings',
      'transformer.patch_embed.proj.weight': 'vilt.embeddings.patch_embeddings.projection.weight',
      'transformer.blocks.10.norm1.weight': 'vilt.encoder.layer.10.layernorm_before.weight',
      'transformer.blocks.10.norm2.bias': 'vilt.encoder.layer.10.layernorm_after.bias',
      'transformer.blocks.0.attn.proj.weight': 'vilt.encoder.layer.0.attention.output.dense.weight',
      'transformer.blocks.0.mlp.fc1.bias': 'vilt.encoder.layer.0.intermediate.dense.bias',
      'transformer.blocks.0.mlp.fc2.weight': 'vilt.encoder.layer.0.output.dense.weight',
      'transformer.norm.weight': 'vilt.layernorm.weight',
      'pooler.dense.weight': 'vilt.pooler.dense.weight',
    };
    assert.deepEqual(original(...Object.keys(names)), Object.values(names));
  });

  it("renames the original's heads, and drops what is of no use", () => {
    assert.deepEqual(original('rank_output.weight', 'itm_score.fc.bias'), ['rank_output.weight', 'itm_score.fc.bias']);
    assert.deepEqual(original('vqa_classifier.3.weight'), ['classifier.3.weight']);
    assert.deepEqual(original('nlvr2_classifier.0.bias'), ['classifier.0.bias']);
    assert.deepEqual(original('mlm_score.bias', 'mlm_score.decoder.weight', 'mlm_score.transform.dense.bias'), [
      'mlm_score.decoder.weight',
      'mlm_score.transform.dense.bias',
      'mlm_score.decoder.bias',
    ]);
    assert.deepEqual(original('text_embeddings.position_ids', 'mpp_score.decoder.weight'), []);
  });

  it("leaves Hugging Face's names as they are", () => {
    const shapes = {
      'vilt.embeddings.cls_token': [1],
      'classifier.0.weight': [1],
      'pooler.dense.weight': [1],
      other: [1],
    };
    assert.deepEqual(named(shapes), Object.keys(shapes));
    assert.equal(toHuggingFaceNames(tensorsOf(shapes)).original, false);
  });

  it('gives one output bias where early Hugging Face checkpoints have two', () => {
    assert.deepEqual(named({ 'mlm_score.bias': [5], 'mlm_score.decoder.bias': [5] }), ['mlm_score.decoder.bias']);
  });

  it('adds the prefix that a ViltModel without a head is saved without', () => {
    assert.deepEqual(named({ 'embeddings.cls_token': [1], 'pooler.dense.bias': [1], 'rank_output.bias': [1] }), [
      'vilt.embeddings.cls_token',
      'vilt.pooler.dense.bias',
      'rank_output.bias',
    ]);
  });

  it('strips what training frameworks put before names, and prefers the name without', () => {
    assert.deepEqual(named({ 'module.model.rank_output.bias': [1], 'model.vilt.x': [1] }), [
      'rank_output.bias',
      'vilt.x',
    ]);
    const { tensors } = toHuggingFaceNames(tensorsOf({ 'rank_output.bias': [1], 'model.rank_output.bias': [2] }));
    assert.deepEqual(tensors.get('rank_output.bias')?.shape, [1]);
  });
});
