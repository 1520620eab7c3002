import type { Wanted } from './plan.js';
import { similaritiesOf } from './proposal.js';
import { calibrate, type Evidence, matchScoreOf, relevanceOf } from './ranking.js';
import type { Histogram } from './result.js';

const BINS = 40;

/**
 * Scores of matching and of other pairs of a text and an image: of each text with all images where every pair was scored, else
 * with its candidates.
 *
 * @param wanted text to image, fold by fold
 */
export function histogramsOf(
  wanted: readonly Wanted[],
  evidence: Evidence,
  { exhaustive, scored }: { exhaustive: boolean; scored: boolean },
): Histogram[] {
  const names: Histogram['score'][] = [];
  if (wanted.some(({ proposals }) => proposals)) names.push('similarity');
  if (scored) names.push('matchScore');
  if (scored && names.length === 2 && evidence.calibration) names.push('matchProbability');
  const pairs = exhaustive ? 'all' : 'scored';
  const ranges = names.map(() => [Infinity, -Infinity] as [number, number]);
  const each = (see: (name: number, value: number, isMatch: boolean) => void) => {
    for (const one of wanted) eachPair(one, evidence, { exhaustive, names }, see);
  };
  each((name, value) => {
    ranges[name] = [Math.min(ranges[name][0], value), Math.max(ranges[name][1], value)];
  });
  const histograms = names.map((score, name) => ({ score, pairs, ...emptyBins(ranges[name]) }) as const);
  each((name, value, isMatch) => {
    const [low, high] = ranges[name];
    const bin = Math.min(BINS - 1, Math.floor((BINS * (value - low)) / (high - low || 1)));
    histograms[name][isMatch ? 'matches' : 'nonMatches'][bin]++;
  });
  return histograms.filter((_, name) => ranges[name][0] <= ranges[name][1]);
}

function emptyBins([low, high]: [number, number]) {
  return {
    edges: Array.from({ length: BINS + 1 }, (_, i) => low + (i * (high - low)) / BINS),
    matches: new Array<number>(BINS).fill(0),
    nonMatches: new Array<number>(BINS).fill(0),
  };
}

function eachPair(
  { matching, proposals }: Wanted,
  evidence: Evidence,
  { exhaustive, names }: { exhaustive: boolean; names: readonly Histogram['score'][] },
  see: (name: number, value: number, isMatch: boolean) => void,
): void {
  matching.queries.forEach(({ id }, query) => {
    const isRelevant = relevanceOf(matching, query);
    const similarities = exhaustive && proposals ? similaritiesOf(matching, id, evidence) : null;
    const count = exhaustive ? matching.items.length : proposals![query].candidates.length;
    for (let at = 0; at < count; at++) {
      const item = exhaustive ? at : proposals![query].candidates[at];
      const similarity = similarities ? similarities[item] : (proposals?.[query].similarities[at] ?? NaN);
      const matchScore = names.includes('matchScore') ? matchScoreOf(matching, query, item, evidence) : NaN;
      const isMatch = isRelevant(item);
      names.forEach((name, i) => {
        const values = { similarity, matchScore };
        see(i, name === 'matchProbability' ? calibrate(evidence, matchScore, similarity) : values[name], isMatch);
      });
    }
  });
}
