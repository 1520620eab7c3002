/** Word-patch alignment: what an optimal transport moves from each word to each patch (paper, 3.2 and 4.7). Pure. */

/** Iterations of IPOT: few for the distance, many for a plan sharp enough to look at (paper, 3.2 and 4.7). */
export const DISTANCE_STEPS = 50;
export const HEATMAP_STEPS = 1000;

/**
 * Cost of moving a word to a patch: 1 - cosine of their final states.
 *
 * @param states.text (words, hidden)
 * @param states.patches (patches, hidden)
 * @returns (words, patches)
 */
export function cosineCost(states: {
  text: Float32Array | Float64Array;
  patches: Float32Array | Float64Array;
  hidden: number;
}): Float64Array {
  const text = unitRows(states.text, states.hidden);
  const patches = unitRows(states.patches, states.hidden);
  const cost = new Float64Array(text.length * patches.length);
  text.forEach((word, w) => {
    patches.forEach((patch, p) => {
      let cosine = 0;
      for (let i = 0; i < states.hidden; i++) cosine += word[i] * patch[i];
      cost[w * patches.length + p] = 1 - cosine;
    });
  });
  return cost;
}

export interface TransportProblem {
  /** (words, patches) */
  cost: Float64Array;
  words: number;
  patches: number;
  /** Of the proximal step. */
  beta?: number;
  steps: number;
}

/**
 * Inexact proximal point method for optimal transport between uniform words and uniform patches, in float64.
 *
 * Source: Xie, Wang, Wang, Zha, "A fast proximal point method for computing exact Wasserstein distance" (UAI 2019),
 * algorithm 2 with one inner step, as ViLT uses it.
 *
 * @returns the transport plan, (words, patches); it sums to 1
 */
export function ipot({ cost, words, patches, beta = 0.5, steps }: TransportProblem): Float64Array {
  const kernel = cost.map((c) => Math.exp(-c / beta));
  const plan = new Float64Array(words * patches).fill(1);
  const wordScale = new Float64Array(words).fill(1 / words);
  const patchScale = new Float64Array(patches);
  for (let step = 0; step < steps; step++) {
    patchScale.fill(0);
    for (let w = 0, i = 0; w < words; w++) {
      for (let p = 0; p < patches; p++, i++) {
        plan[i] *= kernel[i];
        patchScale[p] += plan[i] * wordScale[w];
      }
    }
    for (let p = 0; p < patches; p++) patchScale[p] = 1 / (patches * patchScale[p]);
    for (let w = 0; w < words; w++) {
      const row = plan.subarray(w * patches, (w + 1) * patches);
      let mass = 0;
      for (let p = 0; p < patches; p++) mass += row[p] *= patchScale[p];
      wordScale[w] = 1 / (words * mass);
      for (let p = 0; p < patches; p++) row[p] *= wordScale[w];
    }
  }
  return plan;
}

/** Cost of a whole plan: the optimal-transport distance of a text and an image. */
export function transportDistance(cost: Float64Array, plan: Float64Array): number {
  return cost.reduce((sum, c, i) => sum + c * plan[i], 0);
}

/**
 * What each word moves to each patch, z-normalised over the patches and clamped to [1, 3]: 1 where nothing stands out.
 *
 * @param plan (words, patches)
 * @returns a row a word, (patches)
 */
export function heatmaps(plan: Float64Array, patches: number): Float32Array[] {
  return rowsOf(plan, patches).map((row) => {
    const mean = row.reduce((sum, mass) => sum + mass, 0) / patches;
    const variance = row.reduce((sum, mass) => sum + (mass - mean) ** 2, 0) / (patches - 1); // unbiased, as in the reference
    const deviation = variance > 0 ? Math.sqrt(variance) : 1;
    return Float32Array.from(row, (mass) => Math.min(3, Math.max(1, (mass - mean) / deviation)));
  });
}

function unitRows(states: Float32Array | Float64Array, hidden: number): Float64Array[] {
  return rowsOf(Float64Array.from(states), hidden).map((row) => {
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    return row.map((value) => value / Math.max(norm, 1e-12));
  });
}

function rowsOf(matrix: Float64Array, width: number): Float64Array[] {
  return Array.from({ length: matrix.length / width }, (_, row) => matrix.subarray(row * width, (row + 1) * width));
}
