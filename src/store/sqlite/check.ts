import { PatchwordError } from '../../errors.js';
import type { Filter } from '../../filter.js';
import { dot } from '../../vector.js';
import type { ModelInput } from '../../vilt/image.js';
import { isWithinLimits, recordSize, type RecordSize } from '../limits.js';
import { STORE_LIMITS, type ImageRecord, type Reembedding, type Target } from '../store.js';

export interface NearestQuery {
  target: Target;
  embedding: Float32Array;
  k: number;
  filter?: Filter;
}

/** How far from 1 the length of a unit vector may be. */
export const UNIT_TOLERANCE = 1e-3;

/** What a collection must not take in: it could not be found again, or would be found wrongly. */
export function checkBatch(images: ImageRecord[], dimension: number): void {
  const sum = { items: 0, bytes: 0 };
  for (const image of images) {
    checkRecord(image, dimension);
    const { items, bytes } = recordSize(image);
    sum.items += items;
    sum.bytes += bytes;
  }
  checkSize(sum, 'images and captions');
}

function checkRecord(record: ImageRecord, dimension: number): void {
  const { file, contentHash, bytes, modified, width, height, perceptualHash, embedding, captions, modelInput } = record;
  if (typeof file !== 'string' || typeof contentHash !== 'string' || contentHash === '') {
    throw invalid(`An image has a file and the hash of its content, both texts, not ${file} and ${contentHash}.`);
  }
  checkWhole({ bytes, width, height }, file);
  checkTime(modified, file);
  if (perceptualHash !== null && perceptualHash.length !== 4) {
    throw invalid(`The perceptual hash of the image ${file} has ${perceptualHash.length} words, expected 4.`);
  }
  checkLocation(record);
  checkAttributes(record);
  if (embedding) checkEmbedding(embedding, dimension, `the image ${file}`);
  for (const caption of captions) checkEmbedding(caption.embedding, dimension, `a caption of ${file}`);
  if (modelInput) checkModelInput(modelInput, file);
}

function checkLocation({ file, location }: ImageRecord): void {
  const { file: holder, ...rest } = location;
  const numbers = Object.values(rest).filter((value) => typeof value !== 'string');
  if (typeof holder === 'string' && numbers.every((value) => Number.isSafeInteger(value) && value >= 0)) return;
  throw invalid(`The image ${file} has a location that cannot be read: ${JSON.stringify(location)}.`);
}

function checkAttributes({ file, attributes }: ImageRecord): void {
  for (const [name, value] of Object.entries(attributes) as [string, unknown][]) {
    if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) continue;
    throw invalid(`The attribute ${JSON.stringify(name)} of ${file} is no text, number, true, false or null.`);
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

/** What one call names must be little enough to be answered at once. */
export function checkItems(items: readonly (number | string | Record<string, unknown>)[]): void {
  const bytesOf = (value: unknown) => (typeof value === 'string' ? Buffer.byteLength(value) : 8);
  let bytes = 0;
  for (const item of items) {
    const parts: unknown[] = typeof item === 'object' ? Object.values(item) : [item];
    for (const part of parts) bytes += bytesOf(part);
  }
  checkSize({ items: items.length, bytes }, 'items');
}

function checkSize(size: RecordSize, what: string): void {
  if (isWithinLimits(size)) return;
  throw invalid(
    `${size.items} ${what} of ${size.bytes} bytes: one call takes at most ${STORE_LIMITS.batchItems}, of together ` +
      `${STORE_LIMITS.batchBytes} bytes.`,
    'Split them.',
  );
}

/** Entries of a source that could not be indexed. */
export function checkQuarantine(files: { file: string; bytes: number | null; modified: number | null }[]): void {
  for (const { file, bytes, modified } of files) {
    if (bytes !== null) checkWhole({ bytes }, file);
    if (modified !== null) checkTime(modified, file);
  }
}

function checkWhole(values: Record<string, number>, file: string): void {
  for (const [name, value] of Object.entries(values)) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    throw invalid(`${name} of ${file} should be a whole number of at least 0, not ${value}.`);
  }
}

function checkTime(modified: number, file: string): void {
  if (!Number.isFinite(modified)) throw invalid(`modified of ${file} should be a number, not ${modified}.`);
}

export function checkPage({ after, limit }: { after: number; limit: number }): void {
  if (!Number.isInteger(after)) throw invalid(`A page begins after an id, a whole number, not ${after}.`);
  checkLimit(limit);
}

export function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= STORE_LIMITS.batchItems) return;
  throw invalid(`A page's limit is a whole number from 1 to ${STORE_LIMITS.batchItems}, not ${limit}.`);
}

export function checkQuery({ target, embedding, k }: NearestQuery, dimension: number): void {
  if (target !== 'images' && target !== 'captions') {
    throw invalid(`A search is for "images" or "captions", not "${String(target)}".`);
  }
  if (!Number.isInteger(k) || k < 1 || k > STORE_LIMITS.k) {
    throw invalid(`k is how many to find, a whole number from 1 to ${STORE_LIMITS.k}, not ${k}.`);
  }
  checkEmbedding(embedding, dimension, 'the query');
}

export function checkText(text: unknown): void {
  if (typeof text !== 'string') throw invalid(`A text to look up is a string, not ${typeof text}.`);
}

function checkEmbedding(embedding: Float32Array, dimension: number, of: string): void {
  if (embedding.length !== dimension) {
    throw invalid(
      `The embedding of ${of} has ${embedding.length} values, but the collection's have ${dimension}.`,
      'Use the model that the collection was built with.',
    );
  }
  const squares = dot(embedding, embedding);
  if (!Number.isFinite(squares)) throw invalid(`The embedding of ${of} holds a value that is not finite.`);
  if (Math.abs(Math.sqrt(squares) - 1) > UNIT_TOLERANCE) {
    throw invalid(`The embedding of ${of} has length ${Math.sqrt(squares)}, expected 1.`);
  }
}

function invalid(message: string, hint?: string): PatchwordError {
  return new PatchwordError('INVALID_ARGUMENT', message, { hint });
}
