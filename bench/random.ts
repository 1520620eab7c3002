import { seededRandom } from '../src/evaluation/random.js';

/** Standard normal numbers from a seed (Box-Muller): the same on every machine. */
export function seededNormal(seed: number): () => number {
  const uniform = seededRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
