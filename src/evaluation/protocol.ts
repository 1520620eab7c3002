import { PatchwordError } from '../errors.js';
import { seededRandom } from './random.js';
import type { Direction, Protocol } from './names.js';
import type { Split } from './split.js';

/** What a protocol takes of a split. */
export interface ProtocolRule {
  /** How many images the split must list; null for any number. */
  images: number | null;
  /** Contiguous parts in file order, each a gallery of its own. */
  folds: number;
  /** The most captions of an image, its first ones; null for all. */
  captions: number | null;
}

/**
 * Karpathy's test splits (Karpathy and Fei-Fei, CVPR 2015), as VSE++ and its successors evaluate on them: 5 captions an image, and
 * COCO's 5,000 images whole or as the mean of five folds.
 */
export const PROTOCOL_RULES: Record<Protocol, ProtocolRule> = {
  'whole-split': { images: null, folds: 1, captions: null },
  'flickr30k-1k': { images: 1000, folds: 1, captions: 5 },
  'coco-5k': { images: 5000, folds: 1, captions: 5 },
  'coco-1k-5fold': { images: 5000, folds: 5, captions: 5 },
};

/** A text or an image in its place: of which text or content, and the image of the split that it belongs to. */
export interface Entry {
  id: number;
  image: number;
}

/** Images and their captions, each side the other's gallery. An image's own captions are what is right for it. */
export interface Fold {
  images: Entry[];
  captions: Entry[];
}

export interface Benchmark {
  folds: Fold[];
  captionsAnImage: number | null;
  /** Captions left out because their image has the same one already. */
  duplicateCaptions: number;
}

/**
 * What of a split is evaluated. A caption that an image has twice counts once, as in ViLT's own evaluation (`remove_duplicate` of
 * its datasets).
 *
 * @param options.captions instead of what the protocol says
 * @throws PatchwordError INVALID_ARGUMENT where the split is not the protocol's
 */
export function applyProtocol(
  split: Split,
  { protocol, captions }: { protocol: Protocol; captions?: number },
): Benchmark {
  const rule = PROTOCOL_RULES[protocol];
  if (rule.images !== null && split.listed !== rule.images) {
    throw new PatchwordError(
      'INVALID_ARGUMENT',
      `Protocol ${protocol} is about a split of ${rule.images} images; this one has ${split.listed}.`,
      { hint: 'Check --split, or leave out --protocol to evaluate on the whole split.' },
    );
  }
  const captionsAnImage = captions ?? rule.captions;
  const size = Math.ceil(split.listed / rule.folds);
  const folds: Fold[] = Array.from({ length: rule.folds }, () => ({ images: [], captions: [] }));
  let duplicateCaptions = 0;
  split.images.forEach(({ place, picture, captions: texts }, image) => {
    const fold = folds[Math.floor(place / size)];
    fold.images.push({ id: picture, image });
    const taken = texts.slice(0, captionsAnImage ?? texts.length);
    const distinct = new Set(taken);
    duplicateCaptions += taken.length - distinct.size;
    for (const id of distinct) fold.captions.push({ id, image });
  });
  return { folds, captionsAnImage, duplicateCaptions };
}

/** Queries of one direction, and the items that each is ranked against. */
export interface Matching {
  fold: number;
  direction: Direction;
  queries: Entry[];
  items: Entry[];
}

/**
 * The queries of one direction, fold by fold.
 *
 * @param options.sample draws so many queries, as many of each fold, by the seed; galleries stay whole
 */
export function matchingsOf(
  { folds }: Pick<Benchmark, 'folds'>,
  { direction, sample }: { direction: Direction; sample?: { queries: number; seed: number } | null },
): Matching[] {
  const sides = folds.map(({ images, captions }, fold) =>
    direction === 'text-to-image'
      ? { fold, direction, queries: captions, items: images }
      : { fold, direction, queries: images, items: captions },
  );
  if (!sample) return sides;
  // As many of each fold: a recall is the mean of theirs.
  const share = (fold: number) => Math.floor((sample.queries + fold) / sides.length);
  return sides.map((side) => {
    const drawn = draw(side.queries.length, { queries: share(side.fold), seed: sample.seed + side.fold });
    return { ...side, queries: side.queries.filter((_, query) => drawn.has(query)) };
  });
}

/** So many of the numbers below `count`, each set of them as likely as any other. */
function draw(count: number, { queries, seed }: { queries: number; seed: number }): Set<number> {
  const random = seededRandom(seed);
  const numbers = [...Array(count).keys()];
  const wanted = Math.min(queries, count);
  for (let i = 0; i < wanted; i++) {
    const other = i + Math.floor(random() * (count - i));
    [numbers[i], numbers[other]] = [numbers[other], numbers[i]];
  }
  return new Set(numbers.slice(0, wanted));
}
