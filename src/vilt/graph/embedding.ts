import type { ViltConfig } from '../config.js';
import type { GraphBuilder } from './builder.js';

const TEXT = 'vilt.embeddings.text_embeddings';

/** BERT's embeddings and the text modality (transformers, TextEmbeddings and ViltEmbeddings). */
export function textEmbedding(graph: GraphBuilder, config: ViltConfig): void {
  const ids = graph.input('ids', 'int64', ['batch', 'tokens']);
  const modality = graph.node('Gather', [
    graph.weight('vilt.embeddings.token_type_embeddings.weight'),
    graph.integers([0]),
  ]);

  const words = graph.node('Gather', [graph.weight(`${TEXT}.word_embeddings.weight`), ids]); // (batch, tokens, hidden)
  const segment = graph.node('Gather', [graph.weight(`${TEXT}.token_type_embeddings.weight`), graph.integers([0])]); // (1, hidden)
  const tokens = graph.node('Shape', [ids], { start: 1, end: 2 });
  const positions = graph.node('Slice', [
    graph.weight(`${TEXT}.position_embeddings.weight`),
    graph.integers([0]),
    tokens,
    graph.integers([0]),
  ]); // (tokens, hidden)
  let x = graph.node('Add', [graph.node('Add', [words, segment]), positions]);
  x = graph.layerNorm(x, `${TEXT}.LayerNorm`, config.textLayerNormEpsilon);
  graph.output('embedding', graph.node('Add', [x, modality]), ['batch', 'tokens', config.hiddenSize]);
}

/**
 * A linear projection of the patches, the image's [CLS], positions and the image modality (transformers,
 * ViltEmbeddings.visual_embed). The positions come in at the picture's own grid; nothing is ever padded.
 */
export function imageEmbedding(graph: GraphBuilder, config: ViltConfig): void {
  const { hiddenSize: hidden, patchSize, channels } = config;
  const pixels = graph.input('pixels', 'float32', ['batch', channels, 'height', 'width']);
  const positions = graph.input('positions', 'float32', ['patches_1', hidden]); // (1 + patches, hidden)
  const modality = graph.input('modality', 'int64', [1]);

  const projection = 'vilt.embeddings.patch_embeddings.projection';
  let x = graph.node('Conv', [pixels, graph.weight(`${projection}.weight`), graph.weight(`${projection}.bias`)], {
    kernel_shape: [patchSize, patchSize],
    strides: [patchSize, patchSize],
  }); // (batch, hidden, rows, columns)
  x = graph.node('Transpose', [graph.reshape(x, [0, 0, -1])], { perm: [0, 2, 1] }); // (batch, patches, hidden)

  const batch = graph.node('Shape', [pixels], { start: 0, end: 1 });
  const clsShape = graph.node('Concat', [batch, graph.integers([1, hidden])], { axis: 0 });
  const cls = graph.node('Expand', [graph.weight('vilt.embeddings.cls_token'), clsShape]); // (batch, 1, hidden)
  x = graph.node('Add', [graph.node('Concat', [cls, x], { axis: 1 }), positions]);
  const row = graph.node('Gather', [graph.weight('vilt.embeddings.token_type_embeddings.weight'), modality]); // (1, hidden)
  graph.output('embedding', graph.node('Add', [x, row]), ['batch', 'patches_1', hidden]);
}
