import { CholeskyDecomposition, EigenvalueDecomposition, Matrix } from 'ml-matrix';
import type { Moments } from './moments.js';

/** Two views of the same things, as columns of one table of moments. */
export interface Views {
  moments: Moments;
  /** Columns of the first view, and of the second. */
  first: readonly number[];
  second: readonly number[];
}

export interface CcaOptions {
  /** At most so many dimensions; fewer where the views have no more in common. */
  dimension: number;
  /** Added to the diagonal of both correlation matrices: what keeps few pairs from fitting noise. */
  regularisation: number;
}

/** A linear map of one view: weight · (features), after which pairs correlate dimension by dimension. */
export interface CanonicalProjection {
  /** (dimension, features) */
  weight: Float64Array;
  /** (dimension): the mean, folded in */
  bias: Float64Array;
}

export interface CanonicalCorrelation {
  /** (dimension), falling */
  correlations: Float64Array;
  first: CanonicalProjection;
  second: CanonicalProjection;
}

/** Directions that correlate less than this are rounding errors. */
const SMALLEST_CORRELATION = 1e-6;

/** Standard deviations below this share of the largest are those of a constant feature. */
const CONSTANT = 1e-9;

/**
 * Regularised canonical correlation analysis (Hotelling 1936; with a ridge, Vinod 1976): directions of two views in which
 * paired rows correlate most. Features are standardised, so that the ridge weighs on all alike; a constant feature gets the weight 0.
 *
 * Both correlation matrices are whitened by their Cholesky factors, and the singular vectors of what is left between the
 * views come from the eigenvectors of the smaller product.
 */
export function canonicalCorrelation(views: Views, { dimension, regularisation }: CcaOptions): CanonicalCorrelation {
  const scales = { first: scaleOf(views, 'first'), second: scaleOf(views, 'second') };
  const between = standardised(views, 'first', 'second', scales); // (first, second)
  const factors = { first: factor('first'), second: factor('second') };
  const half = solveLower(factors.first, between); // (first, second)
  const whitened = solveLower(factors.second, half.transpose()).transpose(); // (first, second)

  const { directions, correlations } = leftSingularVectors(whitened, dimension); // (first, dimension)
  const opposite = whitened.transpose().mmul(directions); // (second, dimension), of the length of the correlations
  for (let d = 0; d < correlations.length; d++) opposite.mulColumn(d, 1 / correlations[d]);
  return {
    correlations,
    first: projection('first', directions),
    second: projection('second', opposite),
  };

  function factor(view: 'first' | 'second'): Matrix {
    const within = standardised(views, view, view, scales);
    for (let i = 0; i < within.rows; i++) within.set(i, i, within.get(i, i) + regularisation);
    return new CholeskyDecomposition(within).lowerTriangularMatrix;
  }

  function projection(view: 'first' | 'second', whitenedDirections: Matrix): CanonicalProjection {
    const weights = solveUpper(factors[view], whitenedDirections).transpose(); // (dimension, features)
    const columns = views[view];
    const weight = new Float64Array(weights.rows * columns.length);
    const bias = new Float64Array(weights.rows);
    for (let d = 0; d < weights.rows; d++) {
      columns.forEach((column, i) => {
        const value = weights.get(d, i) * scales[view][i];
        weight[d * columns.length + i] = value;
        bias[d] -= value * views.moments.mean[column];
      });
    }
    return { weight, bias };
  }
}

/** One over the standard deviation of each feature of a view; 0 for a constant one. */
function scaleOf(views: Views, view: 'first' | 'second'): Float64Array {
  const { covariance, mean } = views.moments;
  const deviations = Float64Array.from(views[view], (i) => Math.sqrt(Math.max(0, covariance[i * mean.length + i])));
  const largest = deviations.reduce((a, b) => Math.max(a, b), 0);
  return deviations.map((deviation) => (deviation > CONSTANT * largest ? 1 / deviation : 0));
}

/** A block of the correlation matrix. */
function standardised(
  { moments, ...views }: Views,
  rows: 'first' | 'second',
  columns: 'first' | 'second',
  scales: Record<'first' | 'second', Float64Array>,
): Matrix {
  const width = moments.mean.length;
  const block = new Matrix(views[rows].length, views[columns].length);
  views[rows].forEach((row, i) => {
    views[columns].forEach((column, j) => {
      block.set(i, j, moments.covariance[row * width + column] * (scales[rows][i] * scales[columns][j]));
    });
  });
  return block;
}

/** The strongest left singular vectors, as columns, each with its largest entry positive, and their singular values. */
function leftSingularVectors(matrix: Matrix, most: number): { directions: Matrix; correlations: Float64Array } {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix.mmul(matrix.transpose()), {
    assumeSymmetric: true,
  });
  const strengths = realEigenvalues.map((value) => Math.sqrt(Math.max(0, value)));
  const order = [...strengths.keys()]
    .filter((i) => strengths[i] > SMALLEST_CORRELATION)
    .sort((a, b) => strengths[b] - strengths[a] || a - b)
    .slice(0, Math.min(most, matrix.columns));
  const directions = new Matrix(matrix.rows, order.length);
  order.forEach((from, to) => {
    const column = eigenvectorMatrix.getColumn(from);
    const largest = column.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
    directions.setColumn(to, largest < 0 ? column.map((value) => -value) : column);
  });
  return { directions, correlations: Float64Array.from(order, (i) => strengths[i]) };
}

/** x of lower · x = right, by forward substitution on whole rows. */
function solveLower(lower: Matrix, right: Matrix): Matrix {
  const rows = right.to2DArray().map((row) => Float64Array.from(row));
  rows.forEach((row, i) => {
    for (let k = 0; k < i; k++) subtract(row, rows[k], lower.get(i, k));
    divide(row, lower.get(i, i));
  });
  return new Matrix(rows.map((row) => Array.from(row)));
}

/** x of lowerᵀ · x = right, by back substitution on whole rows. */
function solveUpper(lower: Matrix, right: Matrix): Matrix {
  const rows = right.to2DArray().map((row) => Float64Array.from(row));
  for (let i = rows.length - 1; i >= 0; i--) {
    for (let k = i + 1; k < rows.length; k++) subtract(rows[i], rows[k], lower.get(k, i));
    divide(rows[i], lower.get(i, i));
  }
  return new Matrix(rows.map((row) => Array.from(row)));
}

function subtract(row: Float64Array, other: Float64Array, factor: number): void {
  if (factor === 0) return;
  for (let j = 0; j < row.length; j++) row[j] -= factor * other[j];
}

function divide(row: Float64Array, by: number): void {
  for (let j = 0; j < row.length; j++) row[j] /= by;
}
