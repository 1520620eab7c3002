import { type ErrorCode, PatchwordError } from './errors.js';
import type { Inference, JobOptions } from './inference/inference.js';
import { hashContent, type Original, readOriginal } from './original.js';
import type { ModelInput } from './vilt/image.js';
import { IMAGE_LIMITS } from './vilt/limits.js';

/** Failures of one picture, which never stop the rest. */
const IMAGE_FAILURES: readonly ErrorCode[] = ['IMAGE_UNREADABLE', 'IMAGE_TOO_LARGE', 'FILE_NOT_FOUND', 'READ_ONLY'];

/** Whether a failure is of one picture; others, of the worker that decodes them say, would be of all. */
export function isImageFailure(error: unknown): error is PatchwordError {
  return error instanceof PatchwordError && IMAGE_FAILURES.includes(error.code);
}

/**
 * The model input of a picture that the catalog holds, from its original.
 *
 * @throws PatchwordError where the original cannot be read, or is not what was indexed; `isImageFailure` tells those from others
 */
export async function prepareStored(
  inference: Inference,
  image: Original & { contentHash: string },
  options: JobOptions,
): Promise<ModelInput> {
  const bytes = await readOriginal(image, IMAGE_LIMITS);
  if (hashContent(bytes) !== image.contentHash) {
    throw new PatchwordError('IMAGE_UNREADABLE', 'it has changed since it was indexed');
  }
  return (await inference.prepare(bytes, options)).modelInput;
}
