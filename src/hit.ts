import { matchProbability } from './calibration.js';
import type { Calibration } from './inference/inference.js';
import type { Attributes } from './filter.js';
import type { Neighbor, Store, StoredCaption, StoredImage, Target } from './store/store.js';

/** What may propose a hit: its embedding, or the words of its captions. */
export const CANDIDATE_SOURCES = ['nearest', 'captions'] as const;
export type CandidateSource = (typeof CANDIDATE_SOURCES)[number];

export function areSources(value: unknown): value is CandidateSource[] {
  const known: readonly unknown[] = CANDIDATE_SOURCES;
  if (!Array.isArray(value) || value.length === 0 || value.length > known.length) return false;
  return value.every((source) => known.includes(source));
}

interface HitScores {
  /** Cosine of the two embeddings. */
  similarity: number | null;
  /** Raw logit of the joint pass; null until reranked. */
  matchScore: number | null;
  /** null until reranked, or where the model is not calibrated. */
  matchProbability: number | null;
  /** What proposed it. */
  sources: CandidateSource[];
}

/** Of the image, also where the hit is a caption of it. */
interface HitImage {
  imageId: number;
  /** What its source calls it: a path below the source's folder, or in an archive. */
  file: string;
  split: string | null;
  attributes: Attributes;
  /** Its file was not there when its source was last indexed. */
  missing: boolean;
}

export interface ImageHit extends HitImage, HitScores {
  captions: string[];
}

export interface CaptionHit extends HitImage, HitScores {
  captionId: number;
  caption: string;
}

export type Hit = ImageHit | CaptionHit;

/** What stage one proposes. */
export interface Proposal extends Neighbor {
  sources: CandidateSource[];
}

/** A proposal with what stage two needs of it. `place` is where stage one put it, from 0. */
export type Candidate = HitScores & { id: number; place: number } & (
    { target: 'images'; image: StoredImage } | { target: 'captions'; image: StoredImage; caption: StoredCaption }
  );

/** Proposals, best first, with their catalog rows; those that were deleted meanwhile are left out. */
export async function hydrate(store: Store, target: Target, proposals: readonly Proposal[]): Promise<Candidate[]> {
  const ids = proposals.map(({ id }) => id);
  const captions = target === 'captions' ? new Map((await store.getCaptions(ids)).map((c) => [c.captionId, c])) : null;
  const imageIds = captions ? [...new Set([...captions.values()].map(({ imageId }) => imageId))] : ids;
  const images = new Map((await store.getImages(imageIds)).map((image) => [image.imageId, image]));
  return proposals.flatMap(({ id, similarity, sources }, place): Candidate[] => {
    const scores = { id, place, similarity, matchScore: null, matchProbability: null, sources };
    const caption = captions?.get(id);
    const image = images.get(caption?.imageId ?? id);
    if (!image || (captions && !caption)) return [];
    return [caption ? { ...scores, target: 'captions', image, caption } : { ...scores, target: 'images', image }];
  });
}

export function withMatchScore(candidate: Candidate, matchScore: number, calibration: Calibration | null): Candidate {
  const probability = matchProbability(calibration, { matchScore, similarity: candidate.similarity });
  return { ...candidate, matchScore, matchProbability: probability };
}

/**
 * Best first: reranked candidates by matchProbability where the model is calibrated, else by matchScore; then the others
 * as stage one has them; ties by id.
 */
export function compareCandidates(a: Candidate, b: Candidate): number {
  if (a.matchScore !== null && b.matchScore !== null) {
    return descending(a.matchProbability ?? a.matchScore, b.matchProbability ?? b.matchScore) || a.id - b.id;
  }
  if (a.matchScore !== null) return -1;
  if (b.matchScore !== null) return 1;
  return a.place - b.place || a.id - b.id;
}

const descending = (a: number, b: number) => b - a;

export function hitOf(candidate: Candidate): Hit {
  const { similarity, matchScore, matchProbability, sources } = candidate;
  const { imageId, file, captions, split, attributes, missing } = candidate.image;
  const scores = { similarity, matchScore, matchProbability, sources };
  const image = { imageId, file, split, attributes, missing };
  if (candidate.target === 'images') return { ...image, captions, ...scores };
  const { captionId, text } = candidate.caption;
  return { captionId, caption: text, ...image, ...scores };
}
