import { dot } from './vector.js';
import { matchProbability } from './calibration.js';
import { PatchwordError } from './errors.js';
import type { ImageSource, Inference, JobOptions, ModelInfo, Tokens } from './inference/inference.js';

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
  const notes = textNotes(await inference.tokenize(text), info);
  return {
    matchScore,
    similarity,
    matchProbability: matchProbability(info.calibration, { matchScore, similarity }),
    notes,
  };
}

/** What is worth knowing of how a model reads a text. */
export function textNotes({ truncated, unknownWords }: Omit<Tokens, 'tokens'>, { config }: ModelInfo): string[] {
  const notes: string[] = [];
  if (truncated) {
    const { maxTextLength } = config;
    notes.push(`The text is longer than the ${maxTextLength} tokens that the model reads: only its beginning counts.`);
  }
  if (unknownWords.length > 0) notes.push(`The model does not know ${listOf(unknownWords)}.`);
  return notes;
}

/** How much a note says of unknown words: a text may hold dozens, each as long as it pleases. */
const NAMED = { words: 5, characters: 40 };

/** "xylophone", "lute" and "zither" */
function listOf(words: readonly string[]): string {
  const named = words.slice(0, NAMED.words).map((word) => {
    const characters = [...word];
    return `"${characters.length > NAMED.characters ? `${characters.slice(0, NAMED.characters).join('')}…` : word}"`;
  });
  const more = words.length - named.length;
  const parts = more > 0 ? [...named, `${more} more words`] : named;
  return parts.length === 1 ? parts[0] : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
