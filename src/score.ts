import { dot } from './vector.js';
import { matchProbability } from './calibration.js';
import { PatchwordError } from './errors.js';
import type { ImageSource, Inference, JobOptions } from './inference/inference.js';

export interface PairScore {
  /** Raw rank (or ITM "match") logit; null where the checkpoint has neither head. */
  matchScore: number | null;
  /** Cosine of the two embeddings; null where the model has no prefilter. */
  similarity: number | null;
  /** null until the model is calibrated. */
  matchProbability: number | null;
  notes: string[];
}

/**
 * Scores one text against one image by every means the model has.
 *
 * @throws PatchwordError EMPTY_TEXT, IMAGE_UNREADABLE, IMAGE_TOO_LARGE, FILE_NOT_FOUND; HEAD_MISSING with no means at all
 */
export async function scorePair(
  inference: Inference,
  { text, image, ...options }: JobOptions & { text: string; image: ImageSource },
): Promise<PairScore> {
  const { info } = inference;
  const matches = info.heads.includes('rank') || info.heads.includes('itm');
  if (!matches && !info.prefilter) {
    throw new PatchwordError(
      'HEAD_MISSING',
      `${info.folder} has no rank, ITM or prefilter head, so it cannot score pairs.`,
      {
        hint: 'Use a checkpoint fine-tuned for retrieval, such as dandelin/vilt-b32-finetuned-coco.',
      },
    );
  }
  const { modelInput } = await inference.prepare(image, options);
  const matchScore = matches ? (await inference.matchScores([{ text, image: modelInput }], options))[0] : null;
  let similarity: number | null = null;
  if (info.prefilter) {
    const [words] = await inference.embedTexts([text], options);
    const [picture] = await inference.embedImages([modelInput], options);
    similarity = dot(words.embedding, picture);
  }
  const notes = (await inference.tokenize(text)).truncated ? [truncationNote(info.config.maxTextLength)] : [];
  return {
    matchScore,
    similarity,
    matchProbability: matchProbability(info.calibration, { matchScore, similarity }),
    notes,
  };
}

export function truncationNote(maxTextLength: number): string {
  return `The text is longer than the ${maxTextLength} tokens that the model reads: only its beginning counts.`;
}
