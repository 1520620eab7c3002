import { seededRandom } from './random.js';

/** Resamples of a bootstrap, and the seed that draws them: the same for all rows, so that differences are paired. */
const BOOTSTRAP = { resamples: 1000, seed: 1 } as const;

/** The ends of a 95 % interval; null of nothing. */
export type Interval = [number, number] | null;

/**
 * Percentile bootstrap of the mean of values (Efron and Tibshirani 1993, section 13.3). What is drawn is groups, the images,
 * with all of their queries: captions of one image are not independent.
 *
 * @returns 95 % intervals, one for each list of values
 */
export function bootstrapMeans(groups: readonly number[], lists: readonly (readonly number[])[]): Interval[] {
  const numbers = new Map<number, number>();
  for (const group of groups) if (!numbers.has(group)) numbers.set(group, numbers.size);
  const size = numbers.size;
  if (size === 0) return lists.map(() => null);
  const sumsOf = (values: readonly number[]) => {
    const sums = new Float64Array(size);
    values.forEach((value, i) => (sums[numbers.get(groups[i])!] += value));
    return sums;
  };
  const counts = sumsOf(groups.map(() => 1));
  const sums = lists.map(sumsOf);
  const means = lists.map(() => new Float64Array(BOOTSTRAP.resamples));
  const random = seededRandom(BOOTSTRAP.seed);
  const drawn = new Uint32Array(size);
  for (let resample = 0; resample < BOOTSTRAP.resamples; resample++) {
    for (let i = 0; i < size; i++) drawn[i] = Math.floor(random() * size);
    const total = sumAt(counts, drawn);
    sums.forEach((values, list) => (means[list][resample] = sumAt(values, drawn) / total));
  }
  return means.map(endsOf);
}

function sumAt(values: Float64Array, positions: Uint32Array): number {
  let sum = 0;
  for (const position of positions) sum += values[position];
  return sum;
}

/** The 2.5th and the 97.5th percentile. */
function endsOf(means: Float64Array): [number, number] {
  const sorted = means.slice().sort();
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))];
  return [at(0.025), at(0.975)];
}
