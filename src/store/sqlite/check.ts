import { PatchwordError } from '../../errors.js';
import type { ModelInput } from '../../vilt/image.js';
import type { ImageRecord, Reembedding, Target } from '../store.js';

export interface NearestQuery {
  target: Target;
  embedding: Float32Array;
  k: number;
}

/** How far from 1 the length of a unit vector may be. */
const UNIT_TOLERANCE = 1e-3;

/** What a collection must not take in: it could not be found again, or would be found wrongly. */
export function checkBatch(images: ImageRecord[], dimension: number): void {
  for (const { file, embedding, captions, modelInput } of images) {
    checkEmbedding(embedding, dimension, `the image ${file}`);
    for (const caption of captions) checkEmbedding(caption.embedding, dimension, `a caption of ${file}`);
    checkModelInput(modelInput, file);
  }
}

/** The same for what a reindex puts in the place of embeddings; `dimension` is the next model's. */
export function checkReembeddings(batch: Reembedding[], dimension: number): void {
  for (const { imageId, embedding, captions, modelInput } of batch) {
    if (embedding) checkEmbedding(embedding, dimension, `image ${imageId}`);
    for (const caption of captions) checkEmbedding(caption.embedding, dimension, `caption ${caption.captionId}`);
    if (modelInput) checkModelInput(modelInput, `image ${imageId}`);
  }
}

export function checkModelInput({ width, height, pixels }: ModelInput, of: string): void {
  if (pixels.length === 3 * width * height) return;
  throw invalid(`The model input of ${of} holds ${pixels.length} bytes, expected 3 x ${height} x ${width}.`);
}

export function checkPage({ after, limit }: { after: number; limit: number }): void {
  if (!Number.isInteger(after)) throw invalid(`A page begins after an id, a whole number, not ${after}.`);
  if (!Number.isInteger(limit) || limit < 1) throw invalid(`A page's limit is a whole number from 1, not ${limit}.`);
}

export function checkQuery({ target, embedding, k }: NearestQuery, dimension: number): void {
  if (target !== 'images' && target !== 'captions') {
    throw invalid(`A search is for "images" or "captions", not "${String(target)}".`);
  }
  if (!Number.isInteger(k) || k < 1) throw invalid(`k is how many to find, a whole number from 1, not ${k}.`);
  checkEmbedding(embedding, dimension, 'the query');
}

function checkEmbedding(embedding: Float32Array, dimension: number, of: string): void {
  if (embedding.length !== dimension) {
    throw invalid(
      `The embedding of ${of} has ${embedding.length} values, but the collection's have ${dimension}.`,
      'Use the model that the collection was built with.',
    );
  }
  const squares = embedding.reduce((sum, value) => sum + value * value, 0);
  if (!Number.isFinite(squares)) throw invalid(`The embedding of ${of} holds a value that is not finite.`);
  if (Math.abs(Math.sqrt(squares) - 1) > UNIT_TOLERANCE) {
    throw invalid(`The embedding of ${of} has length ${Math.sqrt(squares)}, expected 1.`);
  }
}

function invalid(message: string, hint?: string): PatchwordError {
  return new PatchwordError('INVALID_ARGUMENT', message, { hint });
}
