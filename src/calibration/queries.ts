import { createHash } from 'node:crypto';
import type { Filter } from '../filter.js';
import type { Store } from '../store/store.js';

/** A caption, to be searched for. */
export interface CalibrationQuery {
  text: string;
  /** Its rarest word, and how many pictures have it in a caption: what stands for the object of the text. */
  rarest: { word: string; pictures: number };
}

const PAGE = 500;

/**
 * One caption each of some pictures, drawn by the hashes of seed and content, so that the order in which they were indexed does not
 * matter. Pages through the catalog; what is kept is a text a picture, and how many pictures have each word.
 *
 * @returns the queries in the order they were drawn, and how many pictures there are
 */
export async function drawQueries(
  store: Store,
  { queries, seed, filter }: { queries: number; seed: number; filter?: Filter },
): Promise<{ drawn: CalibrationQuery[]; pictures: number }> {
  const texts: { order: string; text: string }[] = [];
  const picturesOf = new Map<string, number>();
  let pictures = 0;
  for (let after = 0; ;) {
    const page = await store.scan({ after, limit: PAGE, filter });
    if (page.length === 0) break;
    after = page[page.length - 1].imageId;
    pictures += page.length;
    for (const { contentHash, captions } of page) {
      if (captions.length === 0) continue;
      const order = createHash('sha256').update(`${seed}:${contentHash}`).digest('hex');
      texts.push({ order, text: captions[parseInt(order.slice(0, 8), 16) % captions.length] });
      for (const word of new Set(captions.flatMap(wordsOf))) picturesOf.set(word, (picturesOf.get(word) ?? 0) + 1);
    }
  }
  texts.sort((a, b) => (a.order < b.order ? -1 : 1));
  const drawn = [...new Set(texts.map(({ text }) => text))].slice(0, queries).map((text) => {
    const words = wordsOf(text).map((word) => ({ word, pictures: picturesOf.get(word)! }));
    return { text, rarest: words.reduce((a, b) => (b.pictures < a.pictures ? b : a)) };
  });
  return { drawn, pictures };
}

/** Words of a caption in lower case; all of it where it has none. */
export function wordsOf(caption: string): string[] {
  const lower = caption.toLowerCase();
  return lower.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [lower];
}
