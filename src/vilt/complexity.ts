import { expectedShapes } from './checkpoint/schema.js';
import type { ViltConfig } from './config.js';
import type { Grid } from './position.js';

/** What one joint pass of a text and an image costs. */
export interface Complexity {
  /** Of the body: embeddings, transformer and pooler. */
  parameters: number;
  /** As the paper counts: the patch projection and the transformer. */
  parametersWithoutEmbedders: number;
  /** Of one pair; a multiplication and its addition are two operations. */
  gigaflops: number;
  tokens: number;
  grid: Grid;
}

/** The paper's own row of ViLT-B/32 (Kim et al. 2021), timed on a Tesla P40. */
export const PAPER = { parameters: 87.4e6, gigaflops: 55.9, milliseconds: 15 };

/**
 * Counts the products of a pair: the patch projection and, in each block, four projections, the attention and the
 * feed-forward layer (paper, equations 1 to 4). Norms, activations and heads are left out: together less than 1 %.
 */
export function complexityOf(config: ViltConfig, { grid, tokens }: { grid: Grid; tokens: number }): Complexity {
  const { hiddenSize: hidden, intermediateSize: inner, layers, patchSize, channels } = config;
  const patches = grid.rows * grid.columns;
  const length = tokens + 1 + patches;
  const projection = patches * channels * patchSize ** 2 * hidden;
  const linear = length * (4 * hidden * hidden + 2 * hidden * inner);
  const attention = 2 * length * length * hidden;
  let [parameters, parametersWithoutEmbedders] = [0, 0];
  for (const [name, shape] of expectedShapes(config)) {
    const size = shape.reduce((product, side) => product * (side < 0 ? rowsOf(name, config) : side), 1);
    parameters += size;
    if (/^vilt\.(encoder|layernorm|embeddings\.patch_embeddings)\./.test(name)) parametersWithoutEmbedders += size;
  }
  const products = projection + layers * (linear + attention);
  return { parameters, parametersWithoutEmbedders, gigaflops: (2 * products) / 1e9, tokens, grid };
}

/** The patch grid of a picture of 4:3, as a model resizes it. */
export function usualGrid({ shortestEdge, patchSize }: { shortestEdge: number; patchSize: number }): Grid {
  return { rows: Math.floor(shortestEdge / patchSize), columns: Math.floor((shortestEdge * 4) / 3 / patchSize) };
}

/** Tables of any length in a checkpoint: positions of a text, and BERT's two segments. */
function rowsOf(name: string, { maxTextLength }: ViltConfig): number {
  return name.includes('position_embeddings') ? maxTextLength : 2;
}
