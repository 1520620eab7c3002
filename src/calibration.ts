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
