import type { ImageSource } from './inference/inference.js';
import type { Target } from './store/store.js';

/** The most a query may spend on stage two; `pairs: 0` turns it off. */
export interface Budget {
  pairs: number;
  milliseconds: number;
}

export interface SearchOptions {
  /** How many hits to return. */
  k?: number;
  /** How many nearest neighbours stage one proposes. */
  candidates?: number;
  rerank?: Partial<Budget>;
  signal?: AbortSignal;
}

/** Text finds images. An image finds captions, or with `target: 'images'` similar images. */
export type SearchQuery = SearchOptions & ({ text: string } | { image: ImageSource; target?: Target });

export const SEARCH_DEFAULTS = {
  k: 10,
  candidates: 32,
  rerank: { pairs: 32, milliseconds: Infinity },
} as const;

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

export interface Spent {
  embedMilliseconds: number;
  nearestMilliseconds: number;
  rerankMilliseconds: number;
  /** Joint passes run. */
  pairs: number;
  /** The budget ended before every candidate was reranked. */
  cutShort: boolean;
}

export interface SearchUpdate {
  stage: 'nearest' | 'wave' | 'final';
  target: Target;
  /** Best first. */
  hits: Hit[];
  spent: Spent;
  /** Lines worth telling the user: a query that was cut at 40 tokens, say. */
  notes: string[];
}

/** A search under way: iterate it for every update, or await only the last. */
export interface Search extends AsyncIterable<SearchUpdate> {
  final(): Promise<SearchUpdate>;
}
