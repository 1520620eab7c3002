import type { Calibration, ModelInfo } from '../inference/inference.js';
import { cacheFolder } from '../paths.js';
import { overlapWith } from '../prefilter/sketch.js';
import { readModel } from '../vilt/files.js';
import { readPrefilter } from '../vilt/prefilter.js';

/** Lines about what the model may have seen of a split before: figures that come of it are too good. */
export async function leaksOf(info: ModelInfo, pictures: readonly string[], split: string | null): Promise<string[]> {
  const lines: string[] = [];
  const sketch = await fittedOn(info);
  const { told, shared } = sketch === undefined ? { told: 0, shared: 0 } : overlapWith(sketch, pictures);
  if (shared > 0) {
    lines.push(
      `The prefilter was fitted on pictures of this split (${Math.round((100 * shared) / told)} % of those that can be told): its ` +
        `recall is too good. Fit it on others: patchword fit --model ${info.folder} --captions SOURCE --split train`,
    );
  }
  const { measured } = (info.calibration ?? {}) as Partial<Calibration> & { measured?: { split: string | null } };
  if (measured && (measured.split === null || split === null || measured.split === split)) {
    lines.push(
      `The model was calibrated on ${measured.split === null ? 'all pictures of a source' : `a split ${measured.split}`}: if that was of this ` +
        'dataset, the calibrated rows are too good.',
    );
  }
  return lines;
}

/** The sketch of what the prefilter was fitted on; undefined where it was not fitted, or by a version that kept none. */
async function fittedOn({ folder, weights, hash, prefilter }: ModelInfo): Promise<string | undefined> {
  if (prefilter?.source !== 'fit') return undefined;
  const files = await readModel(weights.length === 1 ? weights[0] : folder);
  return (await readPrefilter({ files, hash, cache: cacheFolder() })).prefilter?.fit?.contents;
}
