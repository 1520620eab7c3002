import { PatchwordError } from '../errors.js';
import { cacheFolder } from '../paths.js';
import { candidateLayers } from '../vilt/graph/encoder.js';
import { readModel } from '../vilt/files.js';
import { writePrefilter, type Fit, type Recall } from '../vilt/prefilter.js';
import { extractFeatures, type ExtractionOptions } from './extraction.js';
import type { FeatureFiles } from './features.js';
import { chanceOf } from './recall.js';
import { choose, type Selection } from './selection.js';
import { sketchOf } from './sketch.js';
import { splitPictures } from './validation.js';

export interface FitOptions extends Omit<ExtractionOptions, 'cache'> {
  /** Length of the embeddings; fewer where features or pictures allow no more. */
  dimension?: number;
  /** Share of the pictures that recall is measured on, which are not fitted on. */
  validation?: number;
  /** Decides which pictures those are. */
  seed?: number;
  /** Where features wait, and where a fit goes that cannot lie beside the model. */
  cache?: string;
}

export const FIT_DEFAULTS = { dimension: 256, validation: 0.1, seed: 1 };

export interface FitResult extends Omit<Fit, 'version' | 'weights' | 'contents'> {
  /** Where prefilter.safetensors and prefilter.json were written; null for a useless fit, which is not written. */
  folder: string | null;
  /** Recall on the validation pictures is hardly above chance. */
  useless: boolean;
  /** Lines worth telling the user. */
  notes: string[];
  skipped: { file: string; reason: string }[];
  seconds: number;
}

/** Fewer say nothing about recall. */
const LEAST_PICTURES = 50;
/** A fit is useful whose recall@10 is so many times what chance gives … */
const LEAST_TIMES_CHANCE = 3;
/**
 * … and whose mean reciprocal rank has at least so many times the odds, m / (1 - m), of the same fit without the encoder. An encoder of
 * random weights mixes words and patches without losing them, so a fit to it finds far more than chance: two of them reached 1.8 and
 * 2.0 times these odds, the first bundled model 86 times.
 */
const LEAST_TIMES_CONTROL = 4;

/**
 * Fits embeddings to a model that has none: features of unimodal passes, frozen, and regularised canonical correlation
 * analysis of pictures and captions. Layer, pooling, regularisation and scale are those that find the validation pictures best.
 *
 * @throws PatchwordError INVALID_ARGUMENT for a model with heads of its own; SOURCE_INVALID where there is too little to fit
 *   on; CANCELLED, after which the same call continues; what extractFeatures and writePrefilter throw
 */
export async function fitPrefilter(options: FitOptions): Promise<FitResult> {
  const started = performance.now();
  const { inference, seed = FIT_DEFAULTS.seed, cache = cacheFolder() } = options;
  const { info } = inference;
  if (info.prefilter?.source === 'checkpoint') {
    throw new PatchwordError(
      'INVALID_ARGUMENT',
      `${info.folder} has prefilter heads that were trained with it; they are used whatever is fitted.`,
      { hint: 'It can be indexed as it is.' },
    );
  }
  const features = await extractFeatures({ ...options, cache });
  const { notes, split, dimension } = plan(features, options);
  const best = await choose(features, split, {
    layers: candidateLayers(info.config),
    dimension,
    signal: options.signal,
  });
  const { layer, pooling, regularisation, power, recall } = best.chosen;
  const chance = chanceOf(split.relevance);
  const fit: Omit<Fit, 'weights' | 'contents'> = {
    version: 1,
    method: 'regularised canonical correlation analysis',
    model: info.hash,
    layer,
    pooling,
    regularisation,
    power,
    dimension: best.chosen.image.bias.length,
    pictures: features.pictures.length - split.pictures,
    pairs: features.pictures.reduce((sum, { captions }) => sum + captions.length, 0) - split.captions,
    validation: { pictures: split.pictures, captions: split.captions },
    seed,
    data: features.hash(),
    recall,
    unfitted: best.unfitted.recall,
    control: best.control.recall,
    chance,
  };
  if (fit.dimension < dimension) {
    notes.push(
      `The embeddings get ${fit.dimension} dimensions instead of ${dimension}: the features of the model have no more in common.`,
    );
  }
  const useless = isUseless(best, chance);
  const files = await readModel(info.weights.length === 1 ? info.weights[0] : info.folder);
  const contents = sketchOf(features.pictures.map(({ contentHash }) => contentHash));
  const folder = useless
    ? null
    : await writePrefilter({ files, hash: info.hash, cache }, { ...fit, contents }, best.chosen);
  features.remove();
  const { skipped } = features;
  return { ...fit, folder, useless, notes, skipped, seconds: (performance.now() - started) / 1000 };
}

function isUseless({ chosen, control }: Selection, chance: Recall): boolean {
  const odds = ({ meanReciprocalRank: share }: { meanReciprocalRank: number }) => share / (1 - share);
  const nearChance = (['textToImage', 'imageToText'] as const).some(
    // Among few pictures chance finds many: then it is half of what chance leaves.
    (way) => chosen.recall[way]['10'] < Math.min(LEAST_TIMES_CHANCE * chance[way]['10'], (100 + chance[way]['10']) / 2),
  );
  return nearChance || odds(chosen) < LEAST_TIMES_CONTROL * odds(control);
}

/** Which pictures validate, and how many dimensions there can be. @throws PatchwordError SOURCE_INVALID */
function plan(features: FeatureFiles, options: FitOptions) {
  const {
    dimension = FIT_DEFAULTS.dimension,
    validation = FIT_DEFAULTS.validation,
    seed = FIT_DEFAULTS.seed,
  } = options;
  const { pictures, skipped } = features;
  const notes: string[] = [];
  if (pictures.length < LEAST_PICTURES) {
    const except =
      skipped.length > 0 ? ` (${skipped.length} more were skipped; ${skipped[0].file}: ${skipped[0].reason})` : '';
    throw new PatchwordError(
      'SOURCE_INVALID',
      `A fit needs at least ${LEAST_PICTURES} captioned pictures; the source has ${pictures.length}${except}.`,
      { hint: 'Thousands make a good one, such as the training pictures of Flickr30k or COCO.' },
    );
  }
  const captions = pictures.flatMap((picture) => picture.captions);
  const distinct = new Set(captions).size;
  if (distinct === 1) {
    throw new PatchwordError('SOURCE_INVALID', 'All captions of the source are the same, so they tell nothing apart.');
  }
  if (distinct < captions.length) {
    notes.push(
      `${captions.length - distinct} of ${captions.length} captions repeat another; each counts for all its pictures.`,
    );
  }
  const split = splitPictures(pictures, { validation, seed });
  if (split.pictures === 0) {
    throw new PatchwordError(
      'SOURCE_INVALID',
      `Among the ${pictures.length} pictures of the source are too few different ones to keep some of them for validation.`,
      { hint: 'Copies of one picture are fitted on together. Give other pictures, or more of them.' },
    );
  }
  const training = pictures.length - split.pictures;
  const most = training - 1; // centred features of so many pictures span no more
  if (dimension > most) {
    notes.push(
      `The embeddings get at most ${most} dimensions instead of ${dimension}: there are only ${training} pictures to fit on.`,
    );
  }
  return { notes, split, dimension: Math.min(dimension, most) };
}
