import { matchProbability } from '../calibration.js';
import type { Calibration } from '../inference/inference.js';
import { averagePrecisionAtR, relevantRanks } from '../metrics.js';
import { pairOf, type Wanted } from './plan.js';
import { type Embeddings, type Proposal, similaritiesOf } from './proposal.js';
import type { Matching } from './protocol.js';
import type { Order } from './names.js';
import type { Ranking } from './result.js';
import type { Scores } from './scores.js';

/** What rankings are made of. */
export interface Evidence {
  scores: Scores;
  texts: Embeddings;
  pictures: Embeddings;
  calibration: Calibration | null;
}

/** How well a ranking did for one query. */
export interface Outcome {
  /** Of the best relevant item. */
  rank: number;
  /** Average precision at R, in [0, 1]. */
  precision: number;
}

/** An outcome for each query of a fold, in order. */
export function outcomesOf(wanted: Wanted, ranking: Ranking, evidence: Evidence): Outcome[] {
  const { matching } = wanted;
  return matching.queries.map((_, query) => {
    const ranks = ranksOf(wanted, query, ranking, evidence);
    return { rank: ranks[0], precision: averagePrecisionAtR(ranks) };
  });
}

/** Ranks of the items that are right for a query, best first. */
function ranksOf(wanted: Wanted, query: number, ranking: Ranking, evidence: Evidence): number[] {
  const { matching, proposals } = wanted;
  const isRelevant = relevanceOf(matching, query);
  if (ranking.stage === 'prefilter') return proposals![query].ranks;
  if (ranking.stage === 'two-stage') {
    const proposal = firstOf(proposals![query], ranking.candidates!);
    const scores = candidateScores(matching, { query, proposal, order: ranking.order }, evidence);
    return rerank(proposals![query].ranks, scores, (at) => isRelevant(proposal.candidates[at]));
  }
  return relevantRanks(galleryScores(matching, query, ranking.order, evidence), isRelevant);
}

/**
 * Ranks once the first candidates are in the order of `scores`: the others follow as the prefilter had them.
 *
 * @param ranks of the relevant items before
 */
export function rerank(ranks: readonly number[], scores: ArrayLike<number>, isRelevant: (at: number) => boolean) {
  return [...relevantRanks(scores, isRelevant), ...ranks.filter((rank) => rank > scores.length)];
}

/** Whether an item is right for a query: it is, or describes, the same image. */
export function relevanceOf({ queries, items }: Matching, query: number): (item: number) => boolean {
  const { image } = queries[query];
  return (item) => items[item].image === image;
}

/** The first candidates of a proposal. */
export function firstOf({ candidates, similarities, ranks }: Proposal, count: number): Proposal {
  return { candidates: candidates.subarray(0, count), similarities: similarities.subarray(0, count), ranks };
}

function candidateScores(
  matching: Matching,
  { query, proposal, order }: { query: number; proposal: Proposal; order: Order },
  evidence: Evidence,
): ArrayLike<number> {
  const { candidates, similarities } = proposal;
  return Array.from(candidates, (item, at) => {
    const matchScore = matchScoreOf(matching, query, item, evidence);
    return order === 'calibrated' ? calibrate(evidence, matchScore, similarities[at]) : matchScore;
  });
}

/** A score for every item of the gallery. */
function galleryScores(matching: Matching, query: number, order: Order, evidence: Evidence): ArrayLike<number> {
  const scores = Float64Array.from(matching.items, (_, item) => matchScoreOf(matching, query, item, evidence));
  if (order !== 'calibrated') return scores;
  const similarities = similaritiesOf(matching, matching.queries[query].id, evidence);
  return scores.map((matchScore, item) => calibrate(evidence, matchScore, similarities[item]));
}

export function matchScoreOf(matching: Matching, query: number, item: number, { scores }: Evidence): number {
  const [text, picture] = pairOf(matching, query, item);
  return scores.get(picture, text);
}

export function calibrate({ calibration }: Evidence, matchScore: number, similarity: number): number {
  return matchProbability(calibration, { matchScore, similarity })!;
}
