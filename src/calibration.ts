import type { Calibration } from './vilt/calibration.js';

/** The chance that a pair belongs together, from both stages' evidence; null until the model is calibrated. */
export function matchProbability(
  calibration: Calibration | null,
  { matchScore, similarity }: { matchScore: number | null; similarity: number | null },
): number | null {
  if (!calibration || matchScore === null || similarity === null) return null;
  const logit = calibration.matchScore * matchScore + calibration.similarity * similarity + calibration.bias;
  return 1 / (1 + Math.exp(-logit));
}

/**
 * Whether nothing of what was searched matches a text, as the best of its reranked candidates tells; null where the calibration has
 * no threshold for that, or nothing was reranked.
 */
export function nothingMatches(
  calibration: Calibration | null,
  candidates: readonly { matchProbability: number | null }[],
): boolean | null {
  const threshold = calibration?.measured?.nothingMatches?.threshold;
  const probabilities = candidates.flatMap(({ matchProbability }) => matchProbability ?? []);
  if (threshold === undefined || probabilities.length === 0) return null;
  return Math.max(...probabilities) < threshold;
}
