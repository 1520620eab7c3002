import { matchProbability } from './calibration.js';
import type { Calibration } from './inference/inference.js';
import type { Neighbor, Store, StoredCaption, StoredImage, Target } from './store/store.js';

/** Which stage-one source proposed a hit. */
export type CandidateSource = 'nearest';

interface HitScores {
  /** Cosine of the two embeddings. */
  similarity: number | null;
  /** Raw logit of the joint pass; null until reranked. */
  matchScore: number | null;
  /** null until reranked, or where the model is not calibrated. */
  matchProbability: number | null;
  sources: CandidateSource[];
}

export interface ImageHit extends HitScores {
  imageId: number;
  /** Path below its source's folder. */
  file: string;
  captions: string[];
}

export interface CaptionHit extends HitScores {
  captionId: number;
  caption: string;
  imageId: number;
  /** File of the image that the caption belongs to. */
  file: string;
}

export type Hit = ImageHit | CaptionHit;

/** What stage one proposes, with what stage two needs of it. */
export type Candidate = HitScores & { id: number } & (
    { target: 'images'; image: StoredImage } | { target: 'captions'; image: StoredImage; caption: StoredCaption }
  );

/** Neighbours with their catalog rows; those that were deleted meanwhile are left out. */
export async function hydrate(store: Store, target: Target, neighbors: readonly Neighbor[]): Promise<Candidate[]> {
  const ids = neighbors.map(({ id }) => id);
  const captions = target === 'captions' ? new Map((await store.getCaptions(ids)).map((c) => [c.captionId, c])) : null;
  const imageIds = captions ? [...new Set([...captions.values()].map(({ imageId }) => imageId))] : ids;
  const images = new Map((await store.getImages(imageIds)).map((image) => [image.imageId, image]));
  return neighbors.flatMap(({ id, similarity }): Candidate[] => {
    const scores = { id, similarity, matchScore: null, matchProbability: null, sources: ['nearest' as const] };
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
 * by similarity; ties by id.
 */
export function compareCandidates(a: Candidate, b: Candidate): number {
  if (a.matchScore !== null && b.matchScore !== null) {
    return descending(a.matchProbability ?? a.matchScore, b.matchProbability ?? b.matchScore) || a.id - b.id;
  }
  if (a.matchScore !== null) return -1;
  if (b.matchScore !== null) return 1;
  return descending(a.similarity ?? 0, b.similarity ?? 0) || a.id - b.id;
}

const descending = (a: number, b: number) => b - a;

export function hitOf(candidate: Candidate): Hit {
  const { similarity, matchScore, matchProbability, sources, image } = candidate;
  const { imageId, file, captions } = image;
  const scores = { similarity, matchScore, matchProbability, sources };
  if (candidate.target === 'images') return { imageId, file, captions, ...scores };
  const { captionId, text } = candidate.caption;
  return { captionId, caption: text, imageId, file, ...scores };
}
