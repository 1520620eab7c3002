import type { Inference } from '../../../src/inference/inference.js';
import { onInterrupt } from '../../interrupt.js';
import type { ModelOptions } from '../../options.js';
import type { Progress } from '../../progress.js';
import type { SkippedImage } from '../../readers/reader.js';
import { describeCount, describeSkipped } from '../../text.js';

interface Running {
  inference: Inference;
  onProgress: (progress: Progress) => void;
  signal: AbortSignal;
}

/** Opens the model, and shows how far the work is, until it is done or Ctrl-C. */
export async function whileShown<R>(
  { unit, ...options }: ModelOptions & { unit: string },
  work: (running: Running) => Promise<R>,
): Promise<R> {
  const { withInference } = await import('../../opening.js');
  const { withProgress } = await import('../../progress.js');
  return withInference(options, async (inference) => {
    const interrupt = onInterrupt();
    const { signal } = interrupt;
    return withProgress({ label: 'Asking', unit }, (onProgress) => work({ inference, onProgress, signal })).finally(
      () => interrupt.release(),
    );
  });
}

/** Lines that say which pictures the figures are without. */
export function describeMissing(missing: readonly SkippedImage[]): string[] {
  if (missing.length === 0) return [];
  return [`Without ${describeCount(missing.length, 'missing picture')}:`, ...describeSkipped(missing)];
}
