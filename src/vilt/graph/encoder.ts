import type { Activation, ViltConfig } from '../config.js';
import type { GraphBuilder, Value } from './builder.js';

/**
 * The transformer that reads words and patches together: pre-norm blocks and a final LayerNorm (paper, equations 2 to 4;
 * transformers, ViltEncoder). One graph serves joint, image and text passes: they are only different sequences.
 *
 * Only the first `queries` positions leave the last block. A score needs [CLS] alone, so that block computes keys and
 * values for all positions, and the rest of its work for one; the result is the same.
 */
export function encoder(graph: GraphBuilder, config: ViltConfig): void {
  const { hiddenSize: hidden, layers } = config;
  let x = graph.input('embedding', 'float32', ['batch', 'sequence', hidden]);
  const bias = graph.input('bias', 'float32', ['batch', 1, 1, 'sequence']); // 0 where a position is read, -max where not
  const queries = graph.input('queries', 'int64', [1]);

  for (let layer = 0; layer < layers; layer++) {
    const last = layer === layers - 1;
    x = block(graph, config, `vilt.encoder.layer.${layer}`, { x, bias, queries: last ? queries : null });
  }
  x = graph.layerNorm(x, 'vilt.layernorm', config.layerNormEpsilon);
  graph.output('hidden', x, ['batch', 'queries', hidden]);
}

/** How the states of one layer become one vector: token 0, the mean over all positions, or both, one after the other. */
export const POOLINGS = ['first', 'mean', 'both'] as const;
export type Pooling = (typeof POOLINGS)[number];

/** What of a unimodal pass is read: the states after so many blocks (the last through the final LayerNorm), pooled. */
export interface FeatureSource {
  /** Counted from 1, ascending; 0 is what goes into the first. */
  layers: readonly number[];
  pooling: Pooling;
}

/** The layers that a prefilter may be fitted on: three quarters and all the way up. Layer 0, the embeddings alone, is its control. */
export function candidateLayers({ layers }: { layers: number }): number[] {
  return [...new Set([0, Math.ceil((3 * layers) / 4), layers])];
}

/** Length of the features of one layer. */
export function featureWidth({ hiddenSize }: ViltConfig, pooling: Pooling): number {
  return pooling === 'both' ? 2 * hiddenSize : hiddenSize;
}

/**
 * The encoder up to the last layer that is asked for, giving pooled states: (batch, layers · width), layer after layer.
 * `share` is what each position adds to a mean: 1 / length where it is read, 0 where it is padding.
 */
export function encoderFeatures(graph: GraphBuilder, config: ViltConfig, { layers, pooling }: FeatureSource): void {
  const { hiddenSize: hidden } = config;
  let x = graph.input('embedding', 'float32', ['batch', 'sequence', hidden]);
  const bias = graph.input('bias', 'float32', ['batch', 1, 1, 'sequence']);
  const share = pooling === 'first' ? null : graph.input('share', 'float32', ['batch', 1, 'sequence']);
  const depth = Math.max(...layers);
  const pooled: Value[] = []; // each (batch, 1, hidden)

  for (let layer = 0; layer <= depth; layer++) {
    const queries = layer === depth && pooling === 'first' ? graph.integers([1]) : null;
    if (layer > 0) x = block(graph, config, `vilt.encoder.layer.${layer - 1}`, { x, bias, queries });
    if (!layers.includes(layer)) continue;
    const states = layer === config.layers ? graph.layerNorm(x, 'vilt.layernorm', config.layerNormEpsilon) : x;
    const slice = [graph.integers([0]), graph.integers([1]), graph.integers([1])]; // from, to, axis
    if (pooling !== 'mean') pooled.push(graph.node('Slice', [states, ...slice]));
    if (share) pooled.push(graph.node('MatMul', [share, states]));
  }
  const features = graph.reshape(graph.node('Concat', pooled, { axis: 1 }), [0, -1]);
  graph.output('features', features, ['batch', layers.length * featureWidth(config, pooling)]);
}

function block(
  graph: GraphBuilder,
  config: ViltConfig,
  name: string,
  inputs: { x: Value; bias: Value; queries: Value | null },
): Value {
  const { hiddenSize: hidden, heads, layerNormEpsilon } = config;
  const width = hidden / heads;
  const first = (value: Value) =>
    inputs.queries ? graph.node('Slice', [value, graph.integers([0]), inputs.queries, graph.integers([1])]) : value;
  const rows = (value: Value) => graph.reshape(value, [-1, hidden]); // (batch · sequence, hidden): what Gemm reads

  // Attention
  const normed = graph.layerNorm(inputs.x, `${name}.layernorm_before`, layerNormEpsilon); // (batch, sequence, hidden)
  const project = (value: Value, part: string, perm: number[]) => {
    const shape = graph.node('Shape', [value]);
    const projected = graph.linear(rows(value), `${name}.attention.attention.${part}`, { bias: config.qkvBias });
    return graph.node('Transpose', [graph.reshape(graph.reshape(projected, shape), [0, 0, heads, width])], { perm });
  };
  const query = project(first(normed), 'query', [0, 2, 1, 3]); // (batch, heads, queries, width)
  const key = project(normed, 'key', [0, 2, 3, 1]); // (batch, heads, width, sequence)
  const value = project(normed, 'value', [0, 2, 1, 3]); // (batch, heads, sequence, width)
  let scores = graph.node('MatMul', [query, key]);
  scores = graph.node('Add', [graph.node('Mul', [scores, graph.scalar(1 / Math.sqrt(width))]), inputs.bias]);
  const attention = graph.node('Softmax', [scores], { axis: -1 }); // (batch, heads, queries, sequence)
  const read = graph.node('Transpose', [graph.node('MatMul', [attention, value])], { perm: [0, 2, 1, 3] });
  const residual = first(inputs.x); // (batch, queries, hidden)
  const shape = graph.node('Shape', [residual]);
  let x = graph.node('Add', [graph.linear(rows(read), `${name}.attention.output.dense`), rows(residual)]);

  // Feed-forward
  let inner = graph.layerNorm(x, `${name}.layernorm_after`, layerNormEpsilon);
  inner = activate(graph, graph.linear(inner, `${name}.intermediate.dense`), config.activation);
  x = graph.node('Add', [graph.linear(inner, `${name}.output.dense`), x]);
  return graph.reshape(x, shape);
}

export function activate(graph: GraphBuilder, x: Value, activation: Activation): Value {
  if (activation === 'relu') return graph.node('Relu', [x]);
  if (activation === 'gelu_tanh') return tanhGelu(graph, x);
  return graph.node('Gelu', [x]);
}

/** Gelu's tanh form written out: 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x³))) */
function tanhGelu(graph: GraphBuilder, x: Value): Value {
  const cubed = graph.node('Mul', [graph.node('Mul', [graph.node('Mul', [x, x]), x]), graph.scalar(0.044715)]);
  const inner = graph.node('Mul', [graph.node('Add', [x, cubed]), graph.scalar(Math.sqrt(2 / Math.PI))]);
  const gate = graph.node('Add', [graph.node('Tanh', [inner]), graph.scalar(1)]);
  return graph.node('Mul', [graph.node('Mul', [x, graph.scalar(0.5)]), gate]);
}
