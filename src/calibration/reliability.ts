/** How far probabilities can be trusted. Pure. */

const BINS = 10;

/** A probability, and what came true. */
export interface Forecast {
  probability: number;
  match: boolean;
}

/**
 * Expected calibration error: how far the mean probability is from the share that came true, over ten bins of equal width, weighted
 * by how much falls into each (Guo, Pleiss, Sun, Weinberger, ICML 2017).
 *
 * @returns 0 to 1; NaN for none
 */
export function calibrationError(forecasts: readonly Forecast[]): number {
  const bins = Array.from({ length: BINS }, () => ({ probability: 0, matches: 0 }));
  for (const { probability, match } of forecasts) {
    const bin = bins[Math.min(BINS - 1, Math.floor(probability * BINS))];
    bin.probability += probability;
    bin.matches += match ? 1 : 0;
  }
  return bins.reduce((sum, bin) => sum + Math.abs(bin.probability - bin.matches), 0) / forecasts.length;
}

/** The best probabilities of queries of which something is there, and of the same number of which nothing is. */
export interface BestProbabilities {
  present: readonly number[];
  absent: readonly number[];
}

export interface Detection {
  /** Share of those below the threshold that are absent; null where none is below it. */
  precision: number | null;
  /** Share of the absent that are below the threshold. */
  detected: number;
}

/** How a threshold tells what is absent. */
export function detect(threshold: number, { present, absent }: BestProbabilities): Detection {
  const below = (values: readonly number[]) => values.filter((value) => value < threshold).length;
  const found = below(absent);
  const all = found + below(present);
  return { precision: all === 0 ? null : found / all, detected: found / absent.length };
}

/**
 * The threshold that detects the most of what is absent at this precision: halfway between two probabilities, so that it does not
 * lie on one.
 *
 * @returns null where no threshold reaches the precision
 */
export function chooseThreshold(best: BestProbabilities, precision: number): number | null {
  const values = [...new Set([...best.present, ...best.absent])].sort((a, b) => a - b);
  const thresholds = values.map((value, i) => (i + 1 < values.length ? (value + values[i + 1]) / 2 : 1));
  // The highest that is precise enough detects the most.
  const chosen = thresholds.findLast((threshold) => (detect(threshold, best).precision ?? 0) >= precision);
  return chosen ?? null;
}
