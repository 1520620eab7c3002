import type { ViltConfig } from '../config.js';
import type { Head } from '../checkpoint/schema.js';
import type { GraphBuilder, Value } from './builder.js';
import { activate } from './encoder.js';

/** Epsilon of the classifiers' LayerNorm: PyTorch's default, in the reference and the original alike. */
const CLASSIFIER_EPSILON = 1e-5;

/** A head, the bare pooler that most heads begin with, or the projection of one modality into embeddings. */
export type HeadGraph = Head | 'pooler' | 'imageProjection' | 'textProjection';

/**
 * A head over final states, which come in as (rows, hidden): [CLS] states, or for MLM any states.
 * NLVR2 reads two rows, one a picture, for each output. Projections read the prefilter's features, (rows, features).
 */
export function head(graph: GraphBuilder, config: ViltConfig, kind: HeadGraph): void {
  const width = kind === 'imageProjection' || kind === 'textProjection' ? 'features' : config.hiddenSize;
  const states = graph.input('states', 'float32', ['rows', width]);
  graph.output('output', HEADS[kind](graph, states, config), ['outputs', 'width']);
}

const HEADS: Record<HeadGraph, (graph: GraphBuilder, states: Value, config: ViltConfig) => Value> = {
  pooler, // (rows, hidden)
  rank: (graph, states) => graph.linear(pooler(graph, states), 'rank_output'), // (rows, 1)
  itm: (graph, states) => graph.linear(pooler(graph, states), 'itm_score.fc'), // (rows, 2): no match, match
  vqa: (graph, states) => classifier(graph, pooler(graph, states)), // (rows, labels)
  nlvr2: (graph, states, config) =>
    classifier(graph, graph.reshape(pooler(graph, states), [-1, 2 * config.hiddenSize])), // (rows / 2, labels)
  mlm, // (rows, vocabulary)
  imageProjection: (graph, states) => projection(graph, states, 'prefilter.image_projection'), // (rows, dimension)
  textProjection: (graph, states) => projection(graph, states, 'prefilter.text_projection'), // (rows, dimension)
};

function pooler(graph: GraphBuilder, states: Value): Value {
  return graph.node('Tanh', [graph.linear(states, 'vilt.pooler.dense')]);
}

function classifier(graph: GraphBuilder, pooled: Value): Value {
  let x = graph.linear(pooled, 'classifier.0');
  x = graph.layerNorm(x, 'classifier.1', CLASSIFIER_EPSILON);
  return graph.linear(graph.node('Gelu', [x]), 'classifier.3');
}

/** BERT's prediction head (transformers, ViltMLMHead); its decoder is the word embeddings where it has no weights of its own. */
function mlm(graph: GraphBuilder, states: Value, config: ViltConfig): Value {
  let x = activate(graph, graph.linear(states, 'mlm_score.transform.dense'), config.activation);
  x = graph.layerNorm(x, 'mlm_score.transform.LayerNorm', config.textLayerNormEpsilon);
  const own = 'mlm_score.decoder.weight';
  const tied = 'vilt.embeddings.text_embeddings.word_embeddings.weight';
  return graph.node('Gemm', [x, graph.weight(graph.has(own) ? own : tied), graph.weight('mlm_score.decoder.bias')], {
    transB: 1,
  });
}

function projection(graph: GraphBuilder, states: Value, name: string): Value {
  return graph.node('LpNormalization', [graph.linear(states, name)], { axis: -1, p: 2 });
}
