import { type Evidence, calibrate, matchScoreOf, relevanceOf } from './ranking.js';
import type { Wanted } from './plan.js';
import { similaritiesOf } from './proposal.js';
import type { Entry } from './protocol.js';
import type { RankedItem, Ranking, WorstQuery } from './result.js';
import type { Split } from './split.js';

/** Of each direction so many of the worst queries are shown, with so many of the items that came first. */
const SHOWN = { queries: 20, items: 5 } as const;

/**
 * The queries of one direction whose best relevant item ranks last, with what was found instead.
 *
 * @param ranked fold by fold, the ranks of the queries under `ranking`
 */
export function worstQueries(
  folds: readonly { wanted: Wanted; ranks: readonly number[] }[],
  { ranking, split, evidence }: { ranking: Ranking; split: Split; evidence: Evidence },
): WorstQuery[] {
  const all = folds.flatMap(({ wanted, ranks }) => ranks.map((rank, query) => ({ wanted, query, rank })));
  const failed = all.filter(({ rank }) => rank > 1).sort((a, b) => b.rank - a.rank);
  return failed.slice(0, SHOWN.queries).map(({ wanted, query, rank }) => {
    const { matching } = wanted;
    const side = sideOf(matching.direction === 'text-to-image');
    const items = rankAll(wanted, query, ranking, evidence).map((item) => {
      const entry = matching.items[item.item];
      return { ...describe(entry, side.items, split), ...item.figures, isRelevant: item.isRelevant };
    });
    const ranked = items.map(({ isRelevant, ...item }, i) => ({ isRelevant, item: { ...item, rank: i + 1 } }));
    return {
      direction: matching.direction,
      of: ranking,
      query: describe(matching.queries[query], side.queries, split),
      rank,
      relevant: ranked
        .filter(({ isRelevant }) => isRelevant)
        .slice(0, SHOWN.items)
        .map(({ item }) => item),
      found: ranked.slice(0, SHOWN.items).map(({ item }) => item),
    };
  });
}

function sideOf(isText: boolean) {
  return isText ? ({ queries: 'text', items: 'image' } as const) : ({ queries: 'image', items: 'text' } as const);
}

function describe({ id, image }: Entry, what: 'text' | 'image', split: Split): Pick<RankedItem, 'text' | 'image'> {
  if (what === 'text') return { text: split.texts[id], image: null };
  const { name, location } = split.images[image];
  return { text: null, image: { name, location } };
}

/** The gallery of one query in its order: what was scored, then the rest as the prefilter has it; ties against us. */
function rankAll(wanted: Wanted, query: number, { stage, candidates, order }: Ranking, evidence: Evidence) {
  const { matching, proposals } = wanted;
  const isRelevant = relevanceOf(matching, query);
  const similarities = proposals && similaritiesOf(matching, matching.queries[query].id, evidence);
  const scored =
    stage === 'exhaustive'
      ? null
      : new Set(stage === 'two-stage' ? proposals![query].candidates.slice(0, candidates!) : []);
  const rows = matching.items.map((_, item) => {
    const similarity = similarities ? similarities[item] : null;
    const isScored = scored === null || scored.has(item);
    const matchScore = isScored ? matchScoreOf(matching, query, item, evidence) : null;
    const matchProbability =
      matchScore !== null && similarity !== null && evidence.calibration
        ? calibrate(evidence, matchScore, similarity)
        : null;
    const key = isScored ? (order === 'calibrated' ? matchProbability : matchScore) : similarity;
    const figures = { similarity, matchScore, matchProbability };
    return { item, isScored, key: key!, isRelevant: isRelevant(item), figures };
  });
  return rows.sort(
    (a, b) =>
      Number(b.isScored) - Number(a.isScored) ||
      b.key - a.key ||
      Number(a.isRelevant) - Number(b.isRelevant) ||
      a.item - b.item,
  );
}
