import { availableParallelism, totalmem } from 'node:os';
import type { Inference } from '../inference/inference.js';
import { type InferenceOptions, openInference } from '../inference/local.js';

/** What a copy of a model takes, in bytes a parameter: its weights as they lie and as ONNX Runtime packs them. */
const BYTES_A_PARAMETER = 10;
/** The share of the memory that copies may take. */
const MEMORY_SHARE = 0.5;
const MOST_COPIES = 16;

/**
 * As many copies of a model as there are cores, of one thread each, where memory allows: of two threads that share a run one
 * waits for the other (12 % more CPU time a pair on two cores, bench/scoring.ts). On a GPU there is one.
 *
 * @throws PatchwordError as `openInference`
 */
export async function openPool(options: Omit<InferenceOptions, 'threads'>): Promise<Inference[]> {
  const cores = availableParallelism();
  const first = await openInference({ ...options, threads: 1 });
  const room = Math.floor((MEMORY_SHARE * totalmem()) / (BYTES_A_PARAMETER * first.info.parameters));
  const copies = first.info.device === 'cpu' ? Math.max(1, Math.min(cores, room, MOST_COPIES)) : 1;
  if (copies === 1 && cores > 1) {
    await first.close();
    return [await openInference(options)];
  }
  const pool = [first];
  try {
    while (pool.length < copies) pool.push(await openInference({ ...options, threads: 1 }));
  } catch (error) {
    await closePool(pool);
    throw error;
  }
  return pool;
}

export async function closePool(pool: readonly Inference[]): Promise<void> {
  await Promise.all(pool.map((model) => model.close()));
}
