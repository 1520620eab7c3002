import { openEngine } from '../src/engine.js';
import type { Device, Precision } from '../src/inference/inference.js';
import { BUNDLED_MODEL, BUNDLED_SAMPLE } from '../src/paths.js';
import { ingest } from './ingestion.js';
import type { Progress } from './progress.js';

export const SAMPLE_COLLECTION = 'sample';

/**
 * Makes the sample collection, with the bundled model, where it is not there, and completes it where an earlier start was
 * stopped. Costs little where it is whole.
 */
export async function ensureSample(options: {
  data?: string;
  device?: Device;
  precision?: Precision;
  onProgress?: (progress: Progress) => void;
}): Promise<void> {
  const { data, device, precision, onProgress } = options;
  const engine = await openEngine({
    collection: SAMPLE_COLLECTION,
    data,
    device,
    precision,
    model: BUNDLED_MODEL,
    create: true,
  });
  try {
    await ingest({ engine, source: BUNDLED_SAMPLE, onProgress });
  } finally {
    await engine.close();
  }
}
