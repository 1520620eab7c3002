import { PatchwordError } from '../errors.js';
import type { ModelInput } from '../vilt/image.js';

/** Where model inputs come from: a content by its position in the split, decoded anew each time. */
export interface PictureSource {
  /** The reason where it cannot be used. */
  prepare(picture: number): Promise<ModelInput | { reason: string }>;
}

/** @throws PatchwordError IMAGE_UNREADABLE for one that could be read before */
export async function requireInput(source: PictureSource, picture: number): Promise<ModelInput> {
  const input = await source.prepare(picture);
  if (!('reason' in input)) return input;
  throw new PatchwordError('IMAGE_UNREADABLE', `A picture changed while it was evaluated: ${input.reason}.`, {
    hint: 'Run the same command again: it begins anew with the pictures as they are.',
  });
}
