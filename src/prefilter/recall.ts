import { dot } from '../vector.js';
import { bestRank, recallAt } from '../metrics.js';
import { RECALL_AT, type Recall } from '../vilt/prefilter.js';

/** Pictures and captions whose embeddings are compared. */
export interface Gallery {
  /** (dimension) each, of unit length */
  images: readonly Float32Array[];
  texts: readonly Float32Array[];
  /** Which captions belong to which picture. */
  relevance: Relevance;
}

export interface Relevance {
  /** The texts that describe an image, by its position. */
  ofImage: readonly ReadonlySet<number>[];
  ofText: readonly ReadonlySet<number>[];
}

export interface Measured {
  recall: Recall;
  /** Mean of 1 / rank, over both directions: one number that never saturates before recall does. */
  meanReciprocalRank: number;
}

/** Which captions belong to which pictures; a caption that several pictures have belongs to all of them. */
export function relevanceOf(captions: readonly (readonly string[])[]): Relevance {
  const ofText: Set<number>[] = [];
  const ofImage = captions.map(() => new Set<number>());
  const owners = new Map<string, Set<number>>();
  captions.forEach((texts, image) => {
    for (const text of texts) owners.set(text, (owners.get(text) ?? new Set()).add(image));
  });
  captions.flat().forEach((text, index) => {
    ofText.push(owners.get(text)!);
    owners.get(text)!.forEach((image) => ofImage[image].add(index));
  });
  return { ofImage, ofText };
}

export function measureRecall({ images, texts, relevance }: Gallery): Measured {
  const ranks = {
    textToImage: texts.map((text, t) =>
      bestRank(
        images.map((image) => dot(text, image)),
        (i) => relevance.ofText[t].has(i),
      ),
    ),
    imageToText: images.map((image, i) =>
      bestRank(
        texts.map((text) => dot(text, image)),
        (t) => relevance.ofImage[i].has(t),
      ),
    ),
  };
  const reciprocal = (all: readonly number[]) => all.reduce((sum, rank) => sum + 1 / rank, 0) / all.length;
  return {
    recall: { textToImage: tableOf(ranks.textToImage), imageToText: tableOf(ranks.imageToText) },
    meanReciprocalRank: (reciprocal(ranks.textToImage) + reciprocal(ranks.imageToText)) / 2,
  };
}

/** What a draw at random would reach. */
export function chanceOf({ ofImage, ofText }: Relevance): Recall {
  const chance = (relevant: readonly ReadonlySet<number>[], items: number) =>
    tableBy((k) => (100 * relevant.reduce((sum, { size }) => sum + drawn(k, size, items), 0)) / relevant.length);
  return { textToImage: chance(ofText, ofImage.length), imageToText: chance(ofImage, ofText.length) };
}

/** The probability that k of n items, drawn without looking, hold one of the relevant ones. */
function drawn(k: number, relevant: number, n: number): number {
  let missed = 1;
  for (let i = 0; i < Math.min(k, n); i++) missed *= Math.max(0, n - relevant - i) / (n - i);
  return 1 - missed;
}

function tableOf(ranks: readonly number[]): Recall['textToImage'] {
  return tableBy((k) => recallAt(ranks, k));
}

function tableBy(value: (k: number) => number): Recall['textToImage'] {
  return Object.fromEntries(
    RECALL_AT.map((k) => [String(k), Math.round(value(k) * 100) / 100]),
  ) as Recall['textToImage'];
}
