/** Logistic regression of two features, for matchProbability. Pure. */

/** A pair whose truth is known. */
export interface Example {
  matchScore: number;
  similarity: number;
  /** Whether they belong together. */
  match: boolean;
}

export interface Coefficients {
  matchScore: number;
  similarity: number;
  bias: number;
}

/**
 * The penalty on the coefficients of the standardised features, beside a sum over all examples: far too small to be seen, but it
 * keeps them finite where the features tell all matches from all others.
 */
const RIDGE = 0.01;
const MOST_STEPS = 100;
/** Of the standardised coefficients. */
const SMALLEST_STEP = 1e-10;

/**
 * The coefficients of the highest (lightly penalised) likelihood, by Newton's method with halved steps, which for the logistic
 * function is iteratively reweighted least squares. The likelihood is concave: there is one answer, whatever the order of the
 * examples but for rounding.
 */
export function fitLogistic(examples: readonly Example[]): Coefficients {
  const score = standardise(examples.map(({ matchScore }) => matchScore));
  const similarity = standardise(examples.map((example) => example.similarity));
  const rows = examples.map(({ match }, i) => ({ x: [score.values[i], similarity.values[i], 1], match }));
  let weights = [0, 0, 0];
  let loss = lossOf(rows, weights);
  for (let step = 0; step < MOST_STEPS; step++) {
    const direction = newtonStep(rows, weights);
    let length = 1;
    let next = weights;
    let nextLoss = Infinity;
    // Rounding may leave a step that no longer lowers the loss: then this is the lowest.
    for (; length > 1e-6; length /= 2) {
      next = weights.map((weight, i) => weight - length * direction[i]);
      nextLoss = lossOf(rows, next);
      if (nextLoss <= loss) break;
    }
    if (!(nextLoss <= loss)) break;
    [weights, loss] = [next, nextLoss];
    if (direction.every((change) => Math.abs(length * change) < SMALLEST_STEP)) break;
  }
  const [m, s] = [weights[0] / score.deviation, weights[1] / similarity.deviation];
  return { matchScore: m, similarity: s, bias: weights[2] - m * score.mean - s * similarity.mean };
}

interface Row {
  /** Standardised features, and 1. */
  x: number[];
  match: boolean;
}

/** Negative log likelihood and penalty. */
function lossOf(rows: readonly Row[], weights: readonly number[]): number {
  let loss = (RIDGE / 2) * (weights[0] ** 2 + weights[1] ** 2);
  for (const { x, match } of rows) {
    const logit = (match ? -1 : 1) * dot3(x, weights);
    loss += Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit)));
  }
  return loss;
}

/** Inverse Hessian times gradient. */
function newtonStep(rows: readonly Row[], weights: readonly number[]): number[] {
  const gradient = [RIDGE * weights[0], RIDGE * weights[1], 0];
  const hessian = [
    [RIDGE, 0, 0],
    [0, RIDGE, 0],
    [0, 0, 0],
  ];
  for (const { x, match } of rows) {
    const p = 1 / (1 + Math.exp(-dot3(x, weights)));
    for (let i = 0; i < 3; i++) {
      gradient[i] += (p - (match ? 1 : 0)) * x[i];
      for (let j = 0; j < 3; j++) hessian[i][j] += p * (1 - p) * x[i] * x[j];
    }
  }
  return solve(hessian, gradient);
}

/** Gaussian elimination with pivots. */
function solve(matrix: readonly number[][], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]]);
  const n = rows.length;
  for (let column = 0; column < n; column++) {
    const below = rows.slice(column).map((row) => Math.abs(row[column]));
    const pivot = column + below.indexOf(Math.max(...below));
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    for (let row = 0; row < n; row++) {
      if (row === column) continue;
      const factor = rows[row][column] / rows[column][column];
      for (let k = column; k <= n; k++) rows[row][k] -= factor * rows[column][k];
    }
  }
  return rows.map((row, i) => row[n] / row[i]);
}

function standardise(values: readonly number[]): { values: number[]; mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const deviation = Math.sqrt(variance) || 1; // A feature that is always the same tells nothing: its coefficient stays 0.
  return { values: values.map((value) => (value - mean) / deviation), mean, deviation };
}

function dot3(a: readonly number[], b: readonly number[]): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
