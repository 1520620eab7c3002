import { withMatchScore, type Candidate } from './hit.js';
import type { Inference, JobOptions, Pair } from './inference/inference.js';
import { isImageFailure, prepareStored } from './preparation.js';
import type { Store, StoredImage } from './store/store.js';
import type { ModelInput } from './vilt/image.js';

/** Joint passes in each wave: a first look soon, then larger steps. The last repeats. */
const WAVES = [8, 24, 32];

/** The query, as the joint pass reads it. */
export type Query = { text: string } | { image: ModelInput };

export interface Wave {
  /** With their match scores. Those whose picture is gone, or is another by now, are left out. */
  scored: Candidate[];
  /** How many candidates it has come to, left out or not. */
  tried: number;
}

interface RerankOptions extends JobOptions {
  /** Milliseconds that are left. Waves after the first have no more pairs than fit, as fast as those before them went. */
  left: () => number;
}

/** Stage two: the joint model reads the query with each candidate, wave by wave, in the order of stage one. */
export async function* rerank(
  { store, inference }: { store: Store; inference: Inference },
  query: Query,
  candidates: readonly Candidate[],
  options: RerankOptions,
): AsyncGenerator<Wave> {
  const begun = performance.now();
  for (let wave = 0, at = 0; at < candidates.length; wave++) {
    const pace = at === 0 ? 0 : (performance.now() - begun) / at;
    const size = sizeOf(wave, { pace, left: options.left() });
    if (size === 0) return;
    const part = candidates.slice(at, (at += size));
    const pairs = await pairsOf({ store, inference }, { query, candidates: part, ...options });
    const scorable = part.filter((_, i) => pairs[i] !== null);
    const scores = await inference.matchScores(
      pairs.filter((pair) => pair !== null),
      options,
    );
    const scored = scorable.map((candidate, i) => withMatchScore(candidate, scores[i], inference.info.calibration));
    yield { scored, tried: Math.min(at, candidates.length) };
  }
}

/** Pairs of a wave. @param time.pace milliseconds a pair; 0 before any was read */
function sizeOf(wave: number, { pace, left }: { pace: number; left: number }): number {
  if (left <= 0) return 0;
  return Math.min(WAVES[Math.min(wave, WAVES.length - 1)], Math.floor(left / pace));
}

/** What the joint pass reads; null where a picture is neither in the cache nor, as it was indexed, on disk any more. */
async function pairsOf(
  context: { store: Store; inference: Inference },
  { query, candidates, ...options }: JobOptions & { query: Query; candidates: readonly Candidate[] },
): Promise<(Pair | null)[]> {
  if ('image' in query) {
    return candidates.map((c) => (c.target === 'captions' ? { text: c.caption.text, image: query.image } : null));
  }
  const originals = candidates.map(({ image }) => image);
  const images = await modelInputs(context, originals, options);
  return images.map((image) => image && { text: query.text, image });
}

/** From the cache, or else from the originals, which then enter the cache. */
async function modelInputs(
  { store, inference }: { store: Store; inference: Inference },
  images: readonly StoredImage[],
  options: JobOptions,
): Promise<(ModelInput | null)[]> {
  const inputs = await store.getModelInputs(images.map(({ imageId }) => imageId));
  const decoded: { imageId: number; contentHash: string; modelInput: ModelInput }[] = [];
  for (const [i, image] of images.entries()) {
    if (inputs[i]) continue;
    const modelInput = await prepareStored(inference, image, options).catch((error: unknown) => {
      if (isImageFailure(error)) return null;
      throw error;
    });
    if (!modelInput) continue;
    inputs[i] = modelInput;
    decoded.push({ imageId: image.imageId, contentHash: image.contentHash, modelInput });
  }
  if (decoded.length > 0) await store.putModelInputs(decoded);
  return inputs;
}
