import { damaged, quote } from './damage.js';
import type { Tensor } from './tensor.js';

/** dandelin/ViLT's module names and timm's within it → Hugging Face's (transformers' convert_vilt_original_to_pytorch.py). */
const ORIGINAL_NAMES: readonly [RegExp, string][] = [
  [/^text_embeddings\./, 'vilt.embeddings.text_embeddings.'],
  [/^token_type_embeddings\./, 'vilt.embeddings.token_type_embeddings.'],
  [/^transformer\.cls_token$/, 'vilt.embeddings.cls_token'],
  [/^transformer\.pos_embed$/, 'vilt.embeddings.position_embeddings'],
  [/^transformer\.patch_embed\.proj\./, 'vilt.embeddings.patch_embeddings.projection.'],
  [/^transformer\.blocks\.(\d+)\.norm1\./, 'vilt.encoder.layer.$1.layernorm_before.'],
  [/^transformer\.blocks\.(\d+)\.norm2\./, 'vilt.encoder.layer.$1.layernorm_after.'],
  [/^transformer\.blocks\.(\d+)\.attn\.proj\./, 'vilt.encoder.layer.$1.attention.output.dense.'],
  [/^transformer\.blocks\.(\d+)\.mlp\.fc1\./, 'vilt.encoder.layer.$1.intermediate.dense.'],
  [/^transformer\.blocks\.(\d+)\.mlp\.fc2\./, 'vilt.encoder.layer.$1.output.dense.'],
  [/^transformer\.norm\./, 'vilt.layernorm.'],
  [/^pooler\./, 'vilt.pooler.'],
  // One checkpoint has one of them; which one, the width of its input tells (VQA reads one pooled state, NLVR2 two).
  [/^(?:vqa|nlvr2)_classifier\./, 'classifier.'],
];

const FUSED_QKV = /^transformer\.blocks\.(\d+)\.attn\.qkv\.(weight|bias)$/;

/** Not weights, or of a pretraining task (masked patches) that nothing here computes. */
const IGNORED = /(^|\.)position_ids$|^mpp_score\./;

/** What training frameworks put before a module's own names. */
const WRAPPERS = /^(?:(?:module|model)\.)+/;

/**
 * Tensors under Hugging Face's names. Names that are neither's stay as they are.
 *
 * @throws PatchwordError MODEL_INCOMPLETE for a fused qkv that is not three tensors
 */
export function toHuggingFaceNames(tensors: ReadonlyMap<string, Tensor>): {
  tensors: Map<string, Tensor>;
  /** The names were those of the original repository. */
  original: boolean;
} {
  const stored = unwrap(tensors);
  const original = stored.has('transformer.cls_token');
  const renamed = new Map<string, Tensor>();
  const add = (name: string, tensor: Tensor) => renamed.set(name, { ...tensor, name });
  for (const [name, tensor] of stored) {
    if (IGNORED.test(name)) continue;
    const fused = original && FUSED_QKV.exec(name);
    if (fused) splitQkv(tensor).forEach((part, i) => add(qkvName(i, fused[1], fused[2]), part));
    else add(original ? fromOriginal(name) : fromBare(name, stored), tensor);
  }
  // The original, and early Hugging Face checkpoints, keep the output bias beside the decoder instead of in it.
  const bias = renamed.get('mlm_score.bias');
  if (bias && !renamed.has('mlm_score.decoder.bias')) add('mlm_score.decoder.bias', bias);
  renamed.delete('mlm_score.bias');
  return { tensors: renamed, original };
}

function unwrap(tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const bare = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    const short = name.replace(WRAPPERS, '');
    if (short === name || !tensors.has(short)) bare.set(short, tensor);
  }
  return bare;
}

function fromOriginal(name: string): string {
  const rule = ORIGINAL_NAMES.find(([pattern]) => pattern.test(name));
  return rule ? name.replace(rule[0], rule[1]) : name;
}

/** A ViltModel saved without a head lacks the prefix that it has inside of every other class. */
function fromBare(name: string, stored: ReadonlyMap<string, Tensor>): string {
  const bare = stored.has('embeddings.cls_token');
  return bare && /^(embeddings|encoder|layernorm|pooler)\./.test(name) ? `vilt.${name}` : name;
}

function qkvName(part: number, layer: string, parameter: string): string {
  return `vilt.encoder.layer.${layer}.attention.attention.${['query', 'key', 'value'][part]}.${parameter}`;
}

/** (3 · hidden, …) → three of (hidden, …): rows are contiguous, so each is a range of the same bytes. */
function splitQkv(tensor: Tensor): Tensor[] {
  const [rows, ...rest] = tensor.shape;
  if (rows === undefined || rows % 3 !== 0) {
    throw damaged(
      tensor.file,
      `${quote(tensor.name)} is (${tensor.shape.join(', ')}), not query, key and value of one size`,
    );
  }
  const byteLength = tensor.byteLength / 3;
  return [0, 1, 2].map((i) => ({
    ...tensor,
    shape: [rows / 3, ...rest],
    offset: tensor.offset + i * byteLength,
    byteLength,
  }));
}
