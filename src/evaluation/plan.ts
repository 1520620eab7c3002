import type { Matching } from './protocol.js';
import type { Proposal } from './proposal.js';
import type { Scores } from './scores.js';

/** The queries of one fold and direction, and what is wanted of them. */
export interface Wanted {
  matching: Matching;
  /** Of each query; null where the model has no prefilter. */
  proposals: Proposal[] | null;
}

/** Which pairs the joint model must read, each once, whatever direction, fold or number of candidates wants it. */
export interface Plan {
  /** All pairs, those with a score included. */
  pairs: number;
  /** Contents with texts that have no score yet, ascending. */
  missing: { picture: number; texts: Uint32Array }[];
}

/**
 * @param options.exhaustive whether every query is scored with every item of its gallery, or with its candidates alone
 * @param options.pictures how many distinct contents there are
 */
export function planPairs(
  wanted: readonly Wanted[],
  { exhaustive, pictures, scores }: { exhaustive: boolean; pictures: number; scores: Scores },
): Plan {
  const textsOf = exhaustive ? galleryPairs(wanted) : candidatePairs(wanted, pictures);
  const plan: Plan = { pairs: 0, missing: [] };
  for (let picture = 0; picture < pictures; picture++) {
    const texts = distinct(textsOf(picture));
    plan.pairs += texts.length;
    const scored = new Set(scores.texts(picture));
    const missing = scored.size === 0 ? texts : texts.filter((text) => !scored.has(text));
    if (missing.length > 0) plan.missing.push({ picture, texts: missing });
  }
  return plan;
}

/** The texts that meet a content as candidates, or as those that it is a candidate of. */
function candidatePairs(wanted: readonly Wanted[], pictures: number): (picture: number) => number[] {
  const texts: number[][] = Array.from({ length: pictures }, () => []);
  for (const { matching, proposals } of wanted) {
    proposals?.forEach(({ candidates }, query) => {
      for (const item of candidates) {
        const [text, picture] = pairOf(matching, query, item);
        texts[picture].push(text);
      }
    });
  }
  return (picture) => texts[picture];
}

/** Every text of the galleries that a content is in. */
function galleryPairs(wanted: readonly Wanted[]): (picture: number) => number[] {
  const galleries = wanted.map(({ matching: { direction, queries, items } }) => {
    const [texts, images] = direction === 'text-to-image' ? [queries, items] : [items, queries];
    return { texts: texts.map(({ id }) => id), pictures: new Set(images.map(({ id }) => id)) };
  });
  return (picture) => galleries.flatMap((gallery) => (gallery.pictures.has(picture) ? gallery.texts : []));
}

/** The text and the content of a query and an item. */
export function pairOf({ direction, queries, items }: Matching, query: number, item: number): [number, number] {
  const [own, other] = [queries[query].id, items[item].id];
  return direction === 'text-to-image' ? [own, other] : [other, own];
}

function distinct(numbers: number[]): Uint32Array {
  const sorted = Uint32Array.from(numbers).sort();
  return sorted.filter((number, i) => i === 0 || number !== sorted[i - 1]);
}
