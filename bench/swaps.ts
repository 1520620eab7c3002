export interface Swap {
  relation: string;
  /** The caption with its relation exchanged. */
  swapped: string;
}

/** Words that change places, by relation. "Under the stars" says where, not what is above what. */
const EXCHANGES: Record<string, [string, string][]> = {
  'in front of/behind': [['in front of', 'behind']],
  'left/right': [['left', 'right']],
  'above/below': [
    ['above', 'below'],
    ['over', 'under(?! the (?:stars|sky|sun|moon|clouds)\\b)'],
    ['on top', 'underneath'],
  ],
  'big/small': [
    ['big', 'small'],
    ['large', 'little'],
    ['huge', 'tiny'],
  ],
};

/** What the layouts of data/scenes can be exchanged in; a row keeps its meaning ("from left to right"). */
const OF_LAYOUT: Record<string, string[]> = {
  beside: ['left/right'],
  stacked: ['above/below'],
  sizes: ['big/small'],
  front: ['in front of/behind'],
};

/** A caption with the first relation that it tells exchanged; null where it tells none. */
export function swap(caption: string, layout?: string): Swap | null {
  const relations = layout === undefined ? Object.keys(EXCHANGES) : (OF_LAYOUT[layout] ?? []);
  for (const relation of relations) {
    const pairs = EXCHANGES[relation];
    const words = new RegExp(`\\b(?:${pairs.flat().join('|')})\\b`, 'g');
    const plain = pairs.map((pair) => pair.map((word) => word.replace(/\(.*/, '')));
    const swapped = caption.replace(words, (word) => {
      const [one, other] = plain.find((pair) => pair.includes(word))!;
      return word === one ? other : one;
    });
    if (swapped !== caption) return { relation, swapped };
  }
  return null;
}
